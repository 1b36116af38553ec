"""Notes of workers that were killed after their last file, but before they removed the note."""

from sweeps.design.cells import decoder_cells
from sweeps.store.artefacts import Store
from sweeps.store.records import Heartbeat
from tests.finished_cells import trained
from tests.sweeps.store.test_artefacts import CHECKPOINT, VERSIONS


def test_notes_on_cells_that_are_done_are_removed_and_others_stay(tiny, tmp_path):
    store, (done, open_) = Store(str(tmp_path)), decoder_cells(tiny)
    store.write_decoder(done, trained())
    for cell in (done, open_):
        store.write_heartbeat(cell, Heartbeat("h", 1, 0.0, 0.0))
        store.write_failure(cell, "no luck")
        store.write_checkpoint(cell, CHECKPOINT, VERSIONS)
    store.remove_notes([done, open_])
    for folder in ("running", "failures", "checkpoints"):
        assert store.stems(folder) == {open_.stem}
