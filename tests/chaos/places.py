"""Where one run's sweep keeps things: a small disk of its own, a bucket, an MLflow of its own."""

import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.servers import CALM, Server

DISK_BYTES = 32 * 2**20
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "me",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
}
# A server that is away is asked less often than by default, since runs are many.
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
BUCKET = "sweeps"
BALLAST = ".ballast"
HALF_WRITTEN = (".writing-*", ".*.partial")
TWO_HOURS = 7200.0


@dataclass
class Places:
    """What a run has for itself.

    Attributes
    ----------
    name : str
        Of the run, its experiment and its folder in the bucket.
    folder : Path
        Its folder; ``disk`` in it is a file system of its own, if this user may mount one.
    servers : mapping
        The servers that all runs share, by name.
    on_s3, on_server : bool
        Whether the store is in the bucket, and MLflow is the server.
    """

    name: str
    folder: Path
    servers: Mapping[str, Server]
    on_s3: bool = False
    on_server: bool = False
    mounted: bool = field(default=False, init=False)

    @property
    def disk(self) -> Path:
        """All that the sweep writes on this machine is in here."""
        return self.folder / "disk"

    @property
    def output(self) -> Path:
        """The output folder."""
        return self.disk / "runs"

    @property
    def written(self) -> Path:
        """Lines with the names of the files of the store as they are written."""
        return self.folder / "written.txt"

    @property
    def struck(self) -> Path:
        """There once the weather has come."""
        return self.folder / "struck"

    @property
    def overrides(self) -> list[str]:
        """Of the configuration."""
        store = [f"store=s3://{BUCKET}/{self.name}"] if self.on_s3 else []
        return [f"name={self.name}", f"output={self.output}", *store]

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the sweep's process; an empty one is removed."""
        tracking = self.servers["MLflow"].url if self.on_server else ""
        more = {"AWS_ENDPOINT_URL": self.servers["S3"].url, "MLFLOW_TRACKING_URI": tracking}
        return {**CREDENTIALS, **IMPATIENT, **more, "TMPDIR": str(self.disk / "tmp")}

    def __enter__(self) -> "Places":
        self.disk.mkdir(parents=True)
        options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.disk)]
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
        self.mounted = not done.returncode
        (self.disk / "tmp").mkdir()
        return self

    def __exit__(self, *_error: object) -> None:
        self.heal()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.disk)], check=True)

    def heal(self) -> None:
        """The disk has room, and servers answer."""
        with suppress(FileNotFoundError):
            (self.disk / BALLAST).unlink()
        for server in self.servers.values():
            server.be(CALM)

    def fill(self, room: int) -> None:
        """Fill the disk up to a room of so many bytes."""
        state = os.statvfs(self.disk)
        size = max(0, state.f_bavail * state.f_frsize - room)
        with suppress(OSError), (self.disk / BALLAST).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def grow_old(self) -> None:
        """What killed processes have left behind half written is two hours old from now on."""
        for pattern in HALF_WRITTEN:
            for path in self.disk.rglob(pattern):
                os.utime(path, (time.time() - TWO_HOURS,) * 2)
