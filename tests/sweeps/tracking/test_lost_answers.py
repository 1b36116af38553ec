"""A server does what it is asked, and its answer is lost: nothing is there twice."""

import os
import socket
import threading

import pytest

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.store.artefacts import store_of
from sweeps.tracking import Publisher, no_pictures, publish_all
from tests.chaos.servers import mlflow_app
from tests.finished_cells import fill


class LosesAnswers:
    """A server's application that hangs up on the first to create a run, once it is created."""

    def __init__(self, app):
        self.app, self.lost = app, 0

    def __call__(self, environ, start_response):
        if not environ["PATH_INFO"].endswith("runs/create") or self.lost:
            return self.app(environ, start_response)
        self.lost += 1
        b"".join(self.app(environ, lambda *_: None))
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


@pytest.fixture
def server(tmp_path, empty_database, monkeypatch):
    """The application, and its address in the environment."""
    make_server = pytest.importorskip("werkzeug.serving").make_server
    for name in [name for name in os.environ if name.startswith("_MLFLOW_SERVER")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(empty_database.read_bytes())
    app = LosesAnswers(mlflow_app(folder)())
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{serving.port}")
    yield app
    serving.shutdown()


@pytest.mark.slow
def test_a_run_whose_creation_was_not_answered_is_not_created_again(tiny, server, monkeypatch):
    store, decoder, method = store_of(tiny), next(decoder_cells(tiny)), next(method_cells(tiny))
    fill(store, [decoder], [method])
    publisher = Publisher(tiny.name, tiny.output, draw=no_pictures)
    assert publish_all(publisher, [decoder, method], store) == 2
    assert server.lost == 1
    runs = publisher.client.search_runs([publisher.experiment_id])
    assert sorted(run.data.tags["eegxai.kind"] for run in runs) == ["decoder", "method", "sweep"]
    assert {run.info.status for run in runs} == {"FINISHED"}
