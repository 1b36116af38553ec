"""MLflow: what the store holds, as runs to compare; the only package that imports it."""

import logging
import os

# Before the import: a dead server must not hold the sweep up for minutes (245 s by default).
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# Two lines of each run on a server, among those that say how far the sweep is.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from sweeps.tracking.database import broken_database
from sweeps.tracking.location import (
    PublishError,
    is_local,
    reason_of,
    runs_page,
    tracking_uri,
    ui_command,
)
from sweeps.tracking.parameters import settings_digest
from sweeps.tracking.pictures import no_pictures, run_pictures
from sweeps.tracking.publisher import Publisher, publish_all
from sweeps.tracking.reader import records_from_mlflow, scores_from_mlflow, tidy_from_runs
from sweeps.tracking.run_schema import KEY_TAG, KIND_TAG

__all__ = [
    "KEY_TAG",
    "KIND_TAG",
    "PublishError",
    "Publisher",
    "broken_database",
    "is_local",
    "no_pictures",
    "publish_all",
    "reason_of",
    "records_from_mlflow",
    "run_pictures",
    "runs_page",
    "scores_from_mlflow",
    "settings_digest",
    "tidy_from_runs",
    "tracking_uri",
    "ui_command",
]

logging.getLogger("alembic").setLevel(logging.ERROR)
# Errors of the database are raised too, and told in one sentence; here they come as tracebacks.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
