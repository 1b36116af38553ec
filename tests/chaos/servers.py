"""MLflow's and S3's servers on loopback, each in a process of its own, and their moods."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Any]
CALM = {"mood": "calm"}


class Moody:
    """A server's application that answers as its mood is, which a file states.

    Parameters
    ----------
    app : callable
        The WSGI application.
    file : Path
        Holds the mood, and the numbers of requests, from when it was written, before and while it
        lasts; with them how slow it is, in seconds.
    """

    def __init__(self, app: App, file: Path) -> None:
        self.app, self.file = app, file
        self.text, self.asked = "", 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        """Answer a request."""
        mood, asked = self._mood()
        if mood["mood"] == "calm" or not 0 <= asked - mood["after"] < mood["lasts"]:
            return self.app(environ, start_response)
        return MOODS[mood["mood"]](self.app, environ, start_response, mood)

    def _mood(self) -> tuple[dict[str, Any], int]:
        text = self.file.read_text()
        if text != self.text:
            self.text, self.asked = text, 0
        self.asked += 1
        return json.loads(text), self.asked - 1


def _error(status: str) -> Callable[..., Any]:
    def answer(_app: App, environ: Environ, start_response: StartResponse, _mood: Any) -> Any:
        environ["wsgi.input"].read()
        start_response(status, [("Content-Type", "text/html")])
        return [f"<html>{status}</html>".encode()]

    return answer


def _slow(app: App, environ: Environ, start_response: StartResponse, mood: Any) -> Any:
    time.sleep(mood["seconds"])
    return app(environ, start_response)


def _cut(_app: App, environ: Environ, _start_response: StartResponse, _mood: Any) -> Any:
    """The connection ends before anything is done."""
    return _hang_up(environ)


def _answer_lost(app: App, environ: Environ, _start_response: StartResponse, _mood: Any) -> Any:
    """What is asked is done, and the connection ends before the answer."""
    b"".join(app(environ, lambda *_: None))
    return _hang_up(environ)


def _hang_up(environ: Environ) -> Any:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


MOODS: dict[str, Callable[..., Any]] = {
    "500": _error("500 Internal Server Error"),
    "503": _error("503 Service Unavailable"),
    "slow": _slow,
    "cut": _cut,
    "answer lost": _answer_lost,
}


class Server:
    """A server in a forked process, and the file of its mood."""

    def __init__(self, make: Callable[[], App], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file = folder / "mood.json"
        self.be(CALM)
        reading, writing = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            _serve(make, self.file, folder / "log", writing)
        self.url = f"http://127.0.0.1:{int(os.read(reading, 20))}"

    def be(self, mood: dict[str, Any]) -> None:
        """Have a mood."""
        beside = self.file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(mood))
        beside.replace(self.file)

    def end(self) -> None:
        """End the process."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _serve(make: Callable[[], App], mood: Path, log: Path, told: int) -> None:
    from werkzeug.serving import make_server

    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        server = make_server("127.0.0.1", 0, Moody(make(), mood), threaded=True)
        os.write(told, str(server.port).encode())
        server.serve_forever()
    finally:
        sys.stderr.flush()
        os._exit(1)


def s3_app() -> App:
    """Moto's S3."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def mlflow_app(folder: Path) -> Callable[[], App]:
    """MLflow's server, with its runs and artefacts in a folder."""

    def make() -> App:
        os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder / 'mlflow.db'}"
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
        os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = str(folder / "served")
        os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
        os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
        from mlflow.server import app

        return app

    return make


@contextmanager
def servers(folder: Path, database: Path) -> Iterator[dict[str, Server]]:
    """Both servers, by name; MLflow's begins with a copy of a database."""
    (folder / "mlflow").mkdir(parents=True)
    (folder / "mlflow" / "mlflow.db").write_bytes(database.read_bytes())
    running = {
        "MLflow": Server(mlflow_app(folder / "mlflow"), folder / "mlflow-server"),
        "S3": Server(s3_app, folder / "s3-server"),
    }
    try:
        yield running
    finally:
        for server in running.values():
            server.end()
