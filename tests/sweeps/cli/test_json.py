"""``--json``: one document on standard output, and nothing else."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.analysis import validity_matrix
from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.report.json_document import to_json
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill

RUNNER = CliRunner()


def document(*arguments):
    """What a command prints; JSON has no NaN."""
    result = RUNNER.invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_constant=pytest.fail)


@pytest.fixture
def filled(tiny_file):
    config = load(tiny_file)
    fill(store_of(config), decoder_cells(config), method_cells(config))
    return tiny_file


@pytest.mark.slow
def test_tables(filled):
    found = document("tables", filled, "--table", "all", "--where", "seed == 1", "--format", "csv")
    assert found["cells"] == {
        "config": "tiny", "where": "seed == 1", "cells": 4, "decoders": 1, "seeds": 1,
    }  # fmt: skip
    headline = pd.DataFrame(found["tables"]["headline"])
    assert "Saliency" in set(headline["method"])
    assert len(found["files"]) == len(found["tables"])
    assert all(Path(path).is_file() for path in found["files"])


def test_statistics(filled):
    found = document("statistics", filled, "--metric", "RMA")
    assert found["metric"] == "mass_clipped"
    (tests,) = found["features"]
    assert tests["n_seeds"] == 2
    assert len(tests["pairs"]) == 6


def test_statistics_of_one_seed_are_notes(filled):
    found = document("statistics", filled, "--where", "seed == 0")
    assert found["features"] == []
    assert "nothing can be tested with scores of 1 seed" in found["notes"][0]


def test_status(filled):
    found = document("status", filled)
    assert found["is_done"]
    assert found["cells"] == {"done": 10, "running": 0, "failed": 0, "open": 0}


def test_status_of_a_sweep_that_is_not_begun_has_null_for_what_is_unknown(tiny_file):
    found = document("status", tiny_file)
    assert not found["is_done"]
    assert found["hours_left"] is None


def test_claims(filled):
    found = document("claims", filled, "--format", "csv")
    assert {claim["verdict"] for claim in found["claims"]} <= {
        "holds", "does not hold", "cannot be decided",
    }  # fmt: skip
    assert found["cells"]["cells"] == 8


def test_compare(filled):
    found = document("compare", filled, "--methods", "Saliency", "InputXGradient")
    assert found["methods"] == ["Saliency", "InputXGradient"]
    runs = document("compare", filled, "--metric", "study", "--metric-b", "calibrated")
    assert runs["b"]["metric"] == "calibrated"
    assert len(runs["comparisons"]) == 4


def test_validity(filled, monkeypatch):
    row = {"method": "Saliency", "architecture": "deepnet", "status": "ok", "reason": "",
           "flags": "", "completeness": math.nan, "code": "ok"}  # fmt: skip
    monkeypatch.setattr(validity_matrix, "validity_evidence", lambda *_: pd.DataFrame([row]))
    found = document("validity", filled)
    assert found["validity"] == [{**row, "completeness": None}]


def test_methods():
    found = document("methods", "LRP")
    assert found["methods"][0]["group"] == "study"
    assert found["methods"][0]["options"]["chunk"] == 8


def test_a_mistake_prints_nothing_on_standard_output(filled):
    refused = RUNNER.invoke(app, ["tables", str(filled), "--where", "snr > 3", "--json"])
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "snr_db" in refused.stderr


def test_one_document_is_not_watched(filled):
    refused = RUNNER.invoke(app, ["status", str(filled), "--watch", "--json"])
    assert refused.exit_code == 2
    assert refused.stdout == ""


@dataclass
class Point:
    x: float


def test_what_json_lacks_is_written_as_what_it_has():
    table = pd.DataFrame({"p": [0.5, math.nan], "name": ["a", None], "n": [1, 2]})
    values = {
        "table": table, "point": Point(math.inf), "path": Path("a") / "b", "n": np.int64(3),
        "flag": np.bool_(True), "missing": pd.NA, "pair": (1, 2),
    }  # fmt: skip
    assert json.loads(to_json(values), parse_constant=pytest.fail) == {
        "table": [{"p": 0.5, "name": "a", "n": 1}, {"p": None, "name": None, "n": 2}],
        "point": {"x": None}, "path": "a/b", "n": 3, "flag": True, "missing": None, "pair": [1, 2],
    }  # fmt: skip
