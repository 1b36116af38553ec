"""The validity matrix: codes with known answers, and the command on a trained decoder."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from eegxai.attribution import Validity
from sweeps.analysis import validity_matrix as certificates
from sweeps.cli import app
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill

RUNNER = CliRunner()
METHODS_JUDGED = "[Saliency,GuidedBackprop,CentredGradCAM,RandomMap]"  # the last is no method


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Validity("ok"), "ok"),
        (Validity("ok", completeness=1.01, completeness_worst=0.96), "ok"),
        (Validity("ok", completeness=0.15, completeness_worst=-7.0), "0.15"),
        (Validity("ok", completeness=1.0, completeness_worst=0.8), "0.80"),
        (Validity("ok", batch_dependence=0.5), "batch"),
        (Validity("not_applicable", "no ReLU"), "-"),
        (Validity("degenerate", "zero"), "empty"),
        (Validity("duplicate", "equals", duplicate_of="Saliency"), "same"),
    ],
)
def test_a_verdict_has_a_code(verdict, code):
    assert certificates.code(verdict) == code


def test_notes_are_told_once_a_reason():
    rows = [
        ("GradCAM", "eegnet", "ok", "", "no channels"),
        ("LayerCAM", "eegnet", "ok", "", "no channels"),
        ("LRP", "deepnet", "duplicate", "InputXGradient", "LRP equals it (r = 1.0000)"),
        ("LRP", "deep4_relu", "duplicate", "InputXGradient", "LRP equals it (r = 0.9999)"),
        ("CompleteFullGrad", "deepnet", "duplicate", "Gradient", "CompleteFullGrad equals it"),
        ("Deconvolution", "eegnet", "not_applicable", "", "it is not to EEGNet: it has no ReLU"),
        ("Saliency", "eegnet", "ok", "", ""),
    ]
    names = ["method", "architecture", "status", "duplicate_of", "reason"]
    assert certificates.matrix_notes(pd.DataFrame(rows, columns=names)) == [
        "GradCAM, LayerCAM on eegnet: no channels",
        "LRP on deepnet, deep4_relu: equals InputXGradient of the group study",
        "CompleteFullGrad on deepnet: equals Gradient of the group corrected",
        "Deconvolution on eegnet: it has no ReLU",
    ]


def test_what_a_finished_cell_found_is_not_measured_again(tiny_file):
    config = load(tiny_file)
    store, cells = store_of(config), list(certificates.cells_to_judge(config))
    fill(store, methods=cells)  # and there is no decoder that could be measured
    assert list(certificates.validity_evidence(cells, store)["status"]) == ["ok"] * len(cells)


@pytest.mark.slow
def test_the_command_trains_judges_and_writes(tiny_file, tmp_path):
    overrides = ["grid.architecture=[deepnet,shallow_fbcsp]", f"grid.method={METHODS_JUDGED}"]
    arguments = ["validity", str(tiny_file), *overrides]
    result = RUNNER.invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.output.count("training ") == 2
    evidence = pd.read_csv(tmp_path / "out" / "validity.csv").set_index(["method", "architecture"])
    assert len(evidence) == 2 * 3
    assert evidence.loc[("GuidedBackprop", "shallow_fbcsp"), "status"] == "not_applicable"
    page = (tmp_path / "out" / "validity.md").read_text()
    assert "on shallow_fbcsp: no channel resolution" in page
    again = RUNNER.invoke(app, arguments)
    assert "training " not in again.output
