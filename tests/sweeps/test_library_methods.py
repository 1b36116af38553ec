"""Methods of other libraries in a sweep: from YAML to scores, without Ray and MLflow."""

import pytest
import yaml
from typer.testing import CliRunner

from eegxai.attribution import LIBRARIES
from sweeps.cli import app
from sweeps.design.cells import MethodCell, decoder_cells, method_cells
from sweeps.design.config_file import ConfigError, load
from sweeps.execution.runner import Stage, run_local
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of
from tests.sweeps.conftest import TINY

OPTIONS = """
evaluation: {n_trials: 2, checks: [target_swap]}
attribution:
  per_method:
    captum.IntegratedGradients: {n_steps: 4, method: riemann_middle}
    captum.FeatureAblation: {feature_mask: channels, baseline: mean}
    captum.Occlusion: {sliding_window_shapes: [10, 50], strides: [10, 50]}
    captum.Occlusion@wide: {sliding_window_shapes: [10, 125], strides: [10, 125]}
"""
METHODS = [
    "captum.IntegratedGradients",
    "captum.FeatureAblation",
    "captum.Occlusion",
    "captum.Occlusion@wide",
]


@pytest.fixture
def library_file(tiny_file):
    values = yaml.safe_load(TINY) | yaml.safe_load(OPTIONS)
    values["grid"] |= {"method": METHODS, "seed": [0]}
    tiny_file.write_text(yaml.safe_dump(values))
    return tiny_file


@pytest.mark.slow
def test_from_yaml_to_a_table(library_file):
    config = load(library_file)
    train, explain = config.resources.train, config.resources.explain
    stages = (("decoder", decoder_cells, train), ("method", method_cells, explain))
    for kind, cells, resources in stages:
        stage = Stage(kind, kind, list(cells(config)), resources)
        outcomes = []
        run_local(stage, store_of(config).url, outcomes.append)
        assert not [outcome.error for outcome in outcomes if outcome.error]
    table = tidy_from_store(method_cells(config), store_of(config))
    assert list(table["method"].unique()) == METHODS
    assert table.groupby("method")["mean"].count().min() > 0


def test_options_are_part_of_the_cell(library_file):
    cells = {cell.method: cell for cell in method_cells(load(library_file))}
    assert cells["captum.IntegratedGradients"].options["n_steps"] == 4
    assert cells["captum.IntegratedGradients"].options["internal_batch_size"] is None
    assert cells["captum.Occlusion"].options["strides"] == [10, 50]
    override = "attribution.per_method.captum.IntegratedGradients={n_steps: 5}"
    other = {cell.method: cell.key for cell in method_cells(load(library_file, [override]))}
    assert other["captum.IntegratedGradients"] != cells["captum.IntegratedGradients"].key
    assert other["captum.Occlusion"] == cells["captum.Occlusion"].key
    again = MethodCell(**cells["captum.Occlusion"].as_json())
    assert again.key == cells["captum.Occlusion"].key


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_a_group(tiny_file, library):
    config = load(tiny_file, [f"grid.method={library}"])
    assert config.grid.method == LIBRARIES[library].standard


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("grid.method=captum.Salency", "did you mean 'Saliency'"),
        ("grid.method=captun.Saliency", "did you mean 'captum'"),
        ("grid.method=captum.NeuronGradient", "one neuron"),
        ("attribution.per_method.captum.Salency={}", "did you mean 'Saliency'"),
        ("attribution.per_method.captum.Saliency={abz: true}", "did you mean 'abs'"),
        ("attribution.per_method.captum.Saliency.abs=7", "abs=7 of captum.Saliency"),
        ("attribution.per_method.captum.Occlusion={strides: [1]}", "strides=.* of captum.Occlu"),
        ("attribution.per_method.captum.Occlusion@a.stride=[1,5]", "did you mean 'strides'"),
        ("grid.method=[captum.LRP, captum.LRP]", "once; .* label, captum.LRP@wide"),
        ("grid.method=[captum.LRP, captum.LRP@a]", "captum.LRP and captum.LRP@a have the same"),
        ("grid.method=Saliency@a", "has a label and no options of its own"),
        ("grid.method=captum.LRP@", "after @ there must be a label"),
        ("grid.method=Saliencies@a", "did you mean 'Saliency'"),
    ],
)
def test_mistakes_are_named_before_a_run(tiny_file, override, message):
    with pytest.raises(ConfigError, match=message):
        load(tiny_file, [override])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{sliding_window_shapes: [11, 25]}", "larger than trials of 10 channels and 250 samples"),
        ("{sliding_window_shapes: [1, 5]}", r"captum.Occlusion: strides=\[1, 25\] must not be"),
    ],
)
def test_options_that_do_not_fit_the_trials_are_named_before_a_run(tiny_file, options, message):
    given = f"attribution.per_method.captum.Occlusion={options}"
    with pytest.raises(ConfigError, match=message):
        load(tiny_file, ["grid.method=captum.Occlusion", given])


def test_two_sets_of_options_have_two_names(tiny_file):
    wide = "attribution.per_method.captum.Occlusion@wide={sliding_window_shapes: [10, 50]}"
    cells = method_cells(
        load(tiny_file, ["grid.method=[captum.Occlusion, captum.Occlusion@wide]", wide])
    )
    sizes = {cell.method: cell.options["sliding_window_shapes"] for cell in cells}
    assert sizes == {"captum.Occlusion": [1, 25], "captum.Occlusion@wide": [10, 50]}


def test_methods_tells_the_options_of_one():
    shown = CliRunner().invoke(app, ["methods", "captum.NoiseTunnel(Saliency)"])
    assert "nt_samples=5" in shown.output
    assert "GradCAM++" not in shown.output
    wrong = CliRunner().invoke(app, ["methods", "captum.Salency"])
    assert (wrong.exit_code, "did you mean 'Saliency'" in wrong.output) == (2, True)
    assert "group gradcam (gradcam.METHOD): GradCAM" in CliRunner().invoke(app, ["methods"]).output
