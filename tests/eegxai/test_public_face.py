"""``import eegxai`` offers what a notebook needs, and names of old still work for a while."""

import ast
import importlib
import re
import subprocess
import sys

import pytest

import eegxai
from eegxai.attribution.core import registry
from eegxai.renamed import RenamedWarning
from tests.paths import ROOT

OLD_NAMES = [
    ("eegxai.attribution", "BASELINES", "eegxai.attribution.CONTROLS"),
    ("eegxai.attribution", "STUDY", "eegxai.attribution.STUDY_METHODS"),
    ("eegxai.decoders", "Anatomy", "eegxai.decoders.DecoderStructure"),
    ("eegxai.decoders", "Epoch", "eegxai.decoders.TrainingEpoch"),
    ("eegxai.decoders", "anatomy", "eegxai.decoders.decoder_structure"),
    ("eegxai.evaluation", "CALIBRATED", "eegxai.evaluation.CALIBRATED_METRICS"),
    ("eegxai.evaluation", "METRICS", "eegxai.evaluation.STUDY_METRICS"),
    ("eegxai.evaluation", "Examples", "eegxai.evaluation.ExampleMaps"),
    ("eegxai.evaluation", "Subject", "eegxai.evaluation.ExplainedTrials"),
    ("eegxai.evaluation", "Truth", "eegxai.evaluation.SourceTruth"),
    ("eegxai.evaluation", "baseline_maps", "eegxai.evaluation.null_maps"),
    ("eegxai.evaluation", "evaluate_subject", "eegxai.evaluation.evaluate_explained"),
    ("eegxai.evaluation", "examples", "eegxai.evaluation.choose_examples"),
    ("eegxai.evaluation", "normalised", "eegxai.evaluation.chance_corrected"),
    ("eegxai.evaluation", "subject_of", "eegxai.evaluation.choose_explained"),
    ("eegxai.evaluation", "truth_of", "eegxai.evaluation.source_truth"),
    ("eegxai.figures", "FORMATS", "eegxai.figures.FIGURE_FORMATS"),
    ("eegxai.figures", "cascade", "eegxai.figures.cascade_curves"),
    ("sweeps.combined", "tidy_from_store", "sweeps.scores.cache.tidy_from_store"),
    ("sweeps.comparison", "Quantity", "sweeps.analysis.compare.Quantity"),
    ("sweeps.comparison", "scores_of", "sweeps.analysis.compare.scores_of"),
    ("sweeps.config", "SweepConfig", "sweeps.design.config.SweepConfig"),
    ("sweeps.config", "load", "sweeps.design.config_file.load"),
    ("sweeps.grid", "decoder_cells", "sweeps.design.cells.decoder_cells"),
    ("sweeps.grid", "method_cells", "sweeps.design.cells.method_cells"),
    ("sweeps.store", "Store", "sweeps.store.artefacts.Store"),
    ("sweeps.store", "store_of", "sweeps.store.artefacts.store_of"),
]


@pytest.mark.slow
def test_importing_it_imports_nothing_heavy_until_a_name_is_used():
    code = (
        "import sys, eegxai; assert 'torch' not in sys.modules and 'numpy' not in sys.modules; "
        "eegxai.attribute; assert 'torch' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_that_of_its_package():
    assert {"simulate", "attribute", "validity", "evaluate", "score", "fit"} <= set(eegxai.__all__)
    for package, names in eegxai._NAMES.items():
        module = importlib.import_module(f"eegxai.{package}")
        for name in names:
            assert getattr(eegxai, name) is getattr(module, name)
            assert name in module.__all__
    assert set(eegxai.__all__) <= set(dir(eegxai))
    assert eegxai.figures is importlib.import_module("eegxai.figures")


def test_types_are_declared_for_the_same_names():
    tree = ast.parse((ROOT / "eegxai" / "__init__.pyi").read_text())
    declared = {
        f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    packages = {f"eegxai.{name}" for name in eegxai._PACKAGES}
    assert declared == packages | {f"eegxai.{home}.{name}" for name, home in eegxai._HOME.items()}
    assert all((ROOT / name / "py.typed").exists() for name in ("eegxai", "sweeps"))


SHOWN = re.compile(r"^ *from (eegxai[\w.]*) import (\([^)]*\)|[^\n(|`]+)", re.MULTILINE)
# Shown with another home than ``eegxai``.
NOT_OF_THE_FACE = {
    "attribution": "the decorator of methods has the name of its package",
}


def shown_names():
    """(module, name) of every import from eegxai in what people read and copy."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    examples = (ROOT / "examples").rglob("*")
    pages += [path for path in examples if path.suffix in (".py", ".md", ".ipynb")]
    for page in pages:
        for module, names in SHOWN.findall(page.read_text()):
            listed = re.sub(r"#.*", "", names)
            yield from ((module, name) for name in re.findall(r"\w+", listed))


@pytest.mark.parametrize(("module", "name"), sorted(set(shown_names())))
def test_what_people_are_shown_is_of_the_public_face(module, name):
    if name in NOT_OF_THE_FACE:
        pytest.skip(NOT_OF_THE_FACE[name])
    assert name in eegxai.__all__
    assert getattr(eegxai, name) is getattr(importlib.import_module(module), name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'eegxai' has no attribute 'simulat'"):
        eegxai.simulat  # noqa: B018


@pytest.mark.parametrize(("module", "old", "new"), OLD_NAMES)
def test_a_name_that_moved_works_and_warns_of_the_new_one(module, old, new):
    place, _, name = new.rpartition(".")
    with pytest.warns(RenamedWarning, match=f"{module}.{old} is now called {new};") as caught:
        found = getattr(importlib.import_module(module), old)
    assert found is getattr(importlib.import_module(place), name)
    assert caught[0].filename == __file__  # whose line it is
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        importlib.import_module(module).nonsense  # noqa: B018


def test_the_old_name_of_the_controls_is_their_group(monkeypatch):
    monkeypatch.setitem(registry.GROUPS, "controls", controls := {})
    with pytest.warns(RenamedWarning, match="group='controls'"):
        registry.attribution("Old", group="control")(lambda decoder, x, target: x)
    assert controls["Old"].group == "controls"


def test_the_old_keyword_of_a_method_is_its_completeness_target(monkeypatch):
    monkeypatch.setattr(registry, "GROUPS", {"extended": (methods := {})})

    def sums(decoder, x, target):
        return x.sum((1, 2))

    with pytest.warns(RenamedWarning, match="completeness_target"):
        registry.attribution("Old", promises=sums)(lambda decoder, x, target: x)
    assert methods["Old"].completeness_target is sums
