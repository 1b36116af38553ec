"""What must be known of Ray before it is imported: its environment, and errors of reaching it."""

import getpass
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from eegxai.machine import SHORT_TEMPORARY_FOLDER

# Read when ray is imported: no call home, no files and no tables of Tune's own, an interrupt ends
# the sweep and not only the stage, and a submitted job may name these variables once more. As many
# trials wait as Tune itself has waiting of a grid, and their states are written down at the end.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "200",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
}
LISTEN_SECONDS = 0.5  # between two looks at what runs on the cluster
AUTO = "auto"
CLIENT = "ray://"
CONNECT_SECONDS = 10.0
# Characters of the path: those of sockets may have 107, and Ray's names of them take 45.
LONGEST_FOLDER = 60


class ClusterError(ValueError):
    """A cluster that cannot be used, in one sentence."""


def no_answer(who: str, address: str, error: Exception) -> ClusterError:
    """The error of an address at which no cluster, dashboard or agent answers."""
    reason = str(error).strip().partition("\n")[0]
    return ClusterError(f"no Ray {who} answers at address={address!r}: {reason}")


def check_reachable(address: str) -> None:
    """Look for an open port: Ray itself tries for minutes before it gives up.

    Raises
    ------
    ClusterError
        When nobody listens at an address other than ``auto`` and none.
    """
    if address in ("", AUTO):
        return
    try:
        parts = urlsplit(f"//{address.removeprefix(CLIENT)}")
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError, TypeError) as error:
        raise no_answer("cluster", address, error) from error


def ray_folder() -> str:
    """Folder for the files of a Ray of this process alone.

    That of ``RAY_TMPDIR``, or of the system's temporary files, unless its path is too long for
    sockets or it is another user's; then one of the user's own name in ``/tmp``.

    Raises
    ------
    ClusterError
        When none of them can be used.
    """
    named = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    folders = (f"{named}/ray", f"{SHORT_TEMPORARY_FOLDER}/ray-{getpass.getuser()}")
    for folder in folders:
        if len(folder) <= LONGEST_FOLDER and _writable(Path(folder)):
            return folder
    raise ClusterError(
        f"Ray needs a folder that this user may write to, with a path of at most {LONGEST_FOLDER} "
        f"characters, but it can use neither {folders[0]!r} nor {folders[1]!r}: set RAY_TMPDIR"
    )


def _writable(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK | os.X_OK)
