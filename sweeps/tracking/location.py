"""Where MLflow keeps the runs, and how to open it."""

import os
import re
from pathlib import Path

from mlflow.exceptions import MlflowException

CREDENTIALS = re.compile(r"//[^/@\s]+@")
PublishError = (MlflowException, OSError)


def tracking_uri(output: str) -> str:
    """``MLFLOW_TRACKING_URI`` if it is set, otherwise SQLite in the output folder."""
    local = f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"
    return os.environ.get("MLFLOW_TRACKING_URI") or local


def reason_of(error: Exception) -> str:
    """Why MLflow does not answer, in one line without the password that its address may hold."""
    line = " ".join(str(error).partition("\n")[0].split())
    return CREDENTIALS.sub("//", line)


def ui_command(output: str) -> str:
    """Command that opens the MLflow UI on what was logged."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith("http"):
        return f"open {uri}"
    shown = uri or f"sqlite:///{Path(output) / 'mlflow.db'}"
    return f"mlflow ui --backend-store-uri {shown}"
