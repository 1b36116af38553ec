"""What any runner must know of a stage."""

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.execution import runner
from sweeps.execution.runner import Stage


def sizes(config, cells):
    stage = Stage("any", "any", list(cells), config.resources.explain)
    return [len(bundle) for bundle in stage.bundles]


def test_cells_of_one_decoder_are_bundled(tiny):
    assert sizes(tiny, decoder_cells(tiny)) == [1, 1]
    assert sizes(tiny, method_cells(tiny)) == [4, 4]


def test_a_large_stage_has_larger_bundles(tiny, monkeypatch):
    explain = tiny.resources.explain.model_copy(update={"cells_per_trial": 1})
    one = tiny.model_copy(
        update={"resources": tiny.resources.model_copy(update={"explain": explain})}
    )
    assert sizes(one, method_cells(tiny)) == [1] * 8
    monkeypatch.setattr(runner, "MOST_TUNE_TRIALS", 3)
    assert sizes(one, method_cells(tiny)) == [3, 1, 3, 1]
