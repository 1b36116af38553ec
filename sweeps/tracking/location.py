"""Where MLflow keeps the runs, and how to open it."""

import os
from pathlib import Path

from mlflow.exceptions import MlflowException

PublishError = (MlflowException, OSError)


def tracking_uri(output: str) -> str:
    """``MLFLOW_TRACKING_URI`` if it is set, otherwise SQLite in the output folder."""
    local = f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"
    return os.environ.get("MLFLOW_TRACKING_URI") or local


def ui_command(output: str) -> str:
    """Command that opens the MLflow UI on what was logged."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith("http"):
        return f"open {uri}"
    shown = uri or f"sqlite:///{Path(output) / 'mlflow.db'}"
    return f"mlflow ui --backend-store-uri {shown}"
