"""Configuration: overrides, and one clear sentence for every mistake."""

from pathlib import Path

import pytest

from eegxai.attribution import CORRECTED_METHODS, STUDY_METHODS
from eegxai.decoders import recommended
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import ConfigError, configuration_path, load, read_yaml
from tests.paths import ROOT

CONF = ROOT / "conf"


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path):
    assert load(path).name == path.stem


def test_overrides_replace_values_and_build_sections(tiny_file):
    config = load(
        tiny_file,
        ["grid.snr_db=[-3.5,-12]", "training.epochs=20", "training.learning_rate=1e-4"],
    )
    assert config.grid.snr_db == (-3.5, -12.0)
    assert config.training.epochs == 20
    assert config.training.learning_rate == 1e-4


def test_training_is_the_single_ones_then_the_common_then_the_recommended(tiny_file):
    tiny_file.write_text(tiny_file.read_text().replace(", precision: float32", ""))
    given = ["training.learning_rate=1e-4", "training.per_architecture.deep4={learning_rate: 0.5}"]
    training = load(tiny_file, given).training
    assert training.of("deep4").learning_rate == 0.5
    assert training.of("eegnet").learning_rate == 1e-4
    assert training.of("eegnet") == recommended(
        "eegnet", learning_rate=1e-4, batch_size=16, epochs=1
    )
    assert training.of("deep4").precision == recommended("deep4").precision == "bfloat16"


def test_a_hold_out_has_one_fold(tiny_file):
    assert load(tiny_file, ["training.holdout=0.4"]).training.of("deepnet").holdout == 0.4
    with pytest.raises(ConfigError, match=r"grid.fold=1 .* training.holdout leaves fold 0 only"):
        load(tiny_file, ["training.holdout=0.4", "grid.fold=[0,1]"])


def test_a_single_value_is_an_axis_of_one(tiny_file):
    assert load(tiny_file, ["grid.snr_db=-12"]).grid.snr_db == (-12.0,)


def test_method_groups_expand(tiny_file):
    assert load(tiny_file, ["grid.method=study"]).grid.method == tuple(STUDY_METHODS)
    assert load(tiny_file, ["grid.method=corrected"]).grid.method == tuple(CORRECTED_METHODS)
    assert "SmoothGrad" in load(tiny_file, ["grid.method=extended"]).grid.method
    assert len(load(CONF / "quickstart.yaml").grid.method) == 12 + 7 + 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("grid.snr=[-3.5]", ["grid.snr", "did you mean 'snr_db'"]),
        ("trainng.epochs=3", ["trainng", "did you mean 'training'"]),
        ("training.epoch=3", ["training.epoch", "did you mean 'epochs'"]),
        ("data.noise.dipoles=3", ["data.noise.dipoles", "did you mean 'n_dipoles'"]),
        ("training.epochs=many", ["training.epochs='many'", "whole number"]),
        ("training.epochs=0", ["training.epochs=0", "above 0"]),
        ("training.n_folds=1", ["training.n_folds=1", "at least 2"]),
        ("grid.method=[captum.Salency]", ["grid.method: class of captum.attr 'Salency'"]),
        ("grid.method=[DeepLft]", ["grid.method 'DeepLft'", "did you mean 'DeepLift'"]),
        ("grid.method=deeplift", ["grid.method 'deeplift'", "did you mean 'DeepLift'"]),
        ("grid.architecture=[depnet]", ["grid.architecture", "did you mean 'deepnet'"]),
        ("grid.feature=[temporel]", ["grid.feature", "did you mean 'temporal'"]),
        ("data.head=cube", ["head 'cube'", "choices: forward, nyhead, sphere"]),
        ("grid.seed=[]", ["grid.seed", "is empty, at least one value is needed"]),
        ("grid.seed=[1,1]", ["grid.seed", "holds 1 more than once"]),
        ("grid.snr_db=[-5,-5.0]", ["grid.snr_db", "holds -5.0 more than once"]),
        ("grid.snr_db=[.inf]", ["grid.snr_db=inf", "finite"]),
        ("grid.snr_db=[.nan]", ["grid.snr_db=nan", "finite"]),
        ("grid.snr_db=[-3,-61]", ["grid.snr_db=-61 is out of range", "-60 to 60 dB"]),
        ("data.snr_definition=peak", ["data.snr_definition='peak'", "'source_to_sensor'"]),
        (
            "data={snr_definition: source_to_sensor, noise: {sensor_share: 0}}",
            ["data for temporal: sensor_share=0 leaves no sensor noise"],
        ),
        ("grid.seed=[-1]", ["grid.seed=-1", "at least 0"]),
        ("training.per_architecture.eegnt={}", ["per_architecture", "did you mean 'eegnet'"]),
        (
            "training.per_architecture.eegnet={learning_rat: 1}",
            ["per_architecture.eegnet.learning_rat", "did you mean 'learning_rate'"],
        ),
        (
            "training.per_architecture.eegnet={n_folds: 3}",
            ["per_architecture.eegnet.n_folds", "choices"],
        ),
        (
            "training.per_architecture.eegnet={batch_size: 0}",
            ["training.per_architecture.eegnet.batch_size=0", "above 0"],
        ),
        ("training.holdout=1", ["training.holdout=1", "below 1"]),
        ("training.holdout=0.01", ["data.n_trials=64 is too few", "at least 800"]),
        ("grid.fold=[5]", ["grid.fold=5 does not exist", "0 to 4"]),
        ("data.n_trials=30", ["data.n_trials=30 is too few for temporal", "at least 40"]),
        ("data.n_trials=-1", ["data.n_trials=-1 is neither a number of trials above 0 nor"]),
        ("data.n_trials=true", ["data.n_trials=True is neither a number of trials"]),
        ("data.n_trials={temporal: 0}", ["data.n_trials={'temporal': 0} is neither"]),
        ("data.montage=[1, 2]", ["data.montage=[1, 2] is neither the name of a standard"]),
        ("data.n_trials={spatial: 100}", ["data.n_trials has no entry", "'temporal'"]),
        ("name=a/b", ["name='a/b'", "text that matches"]),
        ("resources.train.gpu=-1", ["resources.train.gpu=-1", "at least 0"]),
        ("training.precision=half", ["training.precision='half'", "'tf32' or 'bfloat16'"]),
        ("resources.train.steps=graph", ["resources.train.steps='graph'", "'graphs' or"]),
        ("resources.explain.steps=graphs", ["resources.explain.steps"]),
        ("epochs", ["'epochs'", "section.field=value"]),
        (
            "grid.method=DeepLift,LRP",
            ["grid.method='DeepLift,LRP' holds a comma", "[DeepLift,LRP]"],
        ),
        ("grid.snr_db=-3.5,-12", ["grid.snr_db='-3.5,-12' holds a comma", "[-3.5,-12]"]),
        ("data.noise={line_uv: 1, line_uv: 2}", ["not a YAML value: the field 'line_uv' is there"]),
        ("name.first=x", ["'name' is a value, not a section"]),
    ],
)
def test_mistakes_are_told_in_one_sentence(tiny_file, override, words):
    with pytest.raises(ConfigError) as caught:
        load(tiny_file, [override])
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_missing_section_and_file_are_told(tmp_path):
    told = r"'nowhere.yaml' cannot be read: .*; known by name are .*quickstart"
    with pytest.raises(ConfigError, match=told):
        load("nowhere.yaml")
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\n")
    with pytest.raises(ConfigError, match="grid is missing"):
        load(path)
    path.write_text("[1, 2]")
    with pytest.raises(ConfigError, match="must be a mapping"):
        load(path)
    path.write_text("a: [1")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load(path)


def test_a_name_is_looked_up_here_before_the_installed_ones(tiny_file, tmp_path):
    assert configuration_path("tiny") == Path("tiny.yaml")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tiny.yaml").touch()
    assert configuration_path("tiny") == Path("conf/tiny.yaml")
    assert configuration_path("quickstart").samefile(CONF / "quickstart.yaml")
    assert configuration_path("nowhere.yaml") == Path("nowhere.yaml")


def test_an_unknown_name_says_where_it_was_looked_up_what_there_is_and_what_is_closest(tiny_file):
    with pytest.raises(ConfigError) as caught:
        configuration_path("tyni")
    message = str(caught.value)
    assert "configuration 'tyni' is unknown; did you mean 'tiny'?" in message
    for known in ("tiny", "quickstart", "paper", str(tiny_file.parent / "conf"), str(CONF)):
        assert known in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: a\nname: b\n", "the field 'name' is there twice, the second time in line 2"),
        (b"name: a\ngrid:\n  seed: 1\n  fold: 0\n  seed: 2\n", "'seed' is there twice.* line 5"),
        (b"name: a\ngrid:\n\tseed: 1\n", "line 3: .*; indent by spaces instead of tabs"),
        (b"name: " + 5000 * b"[", "is not valid YAML: it is nested too deeply"),
        (b"name: \x00\x01a\n", "is not a text file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\xff", "is not a text file in UTF-8"),
    ],
)
def test_files_that_are_no_plain_yaml_are_told(tmp_path, content, told):
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        load(tmp_path / "odd.yaml")
    assert "\n" not in str(caught.value)


def test_a_merged_section_may_be_overridden(tmp_path):
    (tmp_path / "merged.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert read_yaml(tmp_path / "merged.yaml")["b"] == {"x": 3, "y": 2}


def test_yaml_cannot_build_objects(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("name: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load(path)


def test_the_distractor_joins_the_feature_axis_only_when_asked_for(tiny_file):
    plain, asked = load(tiny_file), load(tiny_file, ["data.distractor=true"])
    assert "distractor" not in plain.features
    assert asked.features == (*plain.grid.feature, "distractor")
    features = [cell.data.feature for cell in decoder_cells(asked)]
    assert len(features) == len(list(decoder_cells(plain))) * len(asked.features) / len(
        plain.features
    )
    assert features[-1] == "distractor"


def test_the_definition_of_the_snr_reaches_every_cell_and_its_key(tiny_file):
    plain, other = (
        next(decoder_cells(load(tiny_file, [f"data.snr_definition={name}"])))
        for name in ("signal_to_noise", "source_to_sensor")
    )
    assert plain == next(decoder_cells(load(tiny_file)))
    assert other.data.snr_definition == "source_to_sensor"
    assert plain.key != other.key


def test_a_head_may_be_a_name_or_its_fields(tiny_file):
    named = load(tiny_file, ["data.head=sphere"])
    assert named.data.head == load(tiny_file, ["data.head={model: sphere}"]).data.head
    assert load(tiny_file, ["data.head={channels: [Cz, Pz]}"]).data.head.channels == ("Cz", "Pz")


# ------------------------------------------------------------------ options of methods


def test_an_option_goes_to_every_method_that_has_it(tiny_file):
    overrides = ["attribution.chunk=4", "attribution.per_method.Saliency={chunk: 2}"]
    config = load(tiny_file, overrides)
    assert config.attribution.of("Saliency") == {"chunk": 2}
    assert config.attribution.of("LRP")["chunk"] == 4
    options = {cell.method: cell.options["chunk"] for cell in method_cells(config)}
    assert (options["Saliency"], options["InputXGradient"]) == (2, 4)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("attribution.chunck=4", "attribution option 'chunck' is unknown; did you mean 'chunk'"),
        ("attribution.per_method.Salency={}", "did you mean 'Saliency'"),
        ("attribution.per_method.Saliency={step: 3}", "option of Saliency 'step' is unknown"),
        ("attribution.chunk=0", "chunk=0 of .*above 0"),
    ],
)
def test_a_wrong_option_is_named(tiny_file, override, message):
    with pytest.raises(ConfigError, match=message):
        load(tiny_file, [override])


PARADIGM = """
  sfreq: 500
  tmin: -0.2
  tmax: 1.8
  montage: [Fz, Cz, Pz, Oz]
  features:
    p300:
      classes:
        target:
          probability: 0.2
          dipoles: [precuneus]
          signals: {P3b: {kind: peak, latency_ms: [400, 40], width_ms: 300, amplitude: 1e1}}
        standard:
"""
P3B = "data.features.p300.classes.target.signals.P3b"


@pytest.fixture
def oddball_file(tmp_path):
    path = tmp_path / "oddball.yaml"
    path.write_text(
        f"name: oddball\ngrid: {{feature: [p300, temporal], snr_db: -9}}\ndata: {PARADIGM}"
    )
    return path


def test_a_paradigm_reaches_every_cell(oddball_file):
    config = load(oddball_file)
    own, built_in = (cell.data for cell in decoder_cells(config))
    assert own.feature_type.class_names == ("target", "standard")
    assert own.feature_type.shares == (0.2, 0.8)
    assert own.feature_type.signals["P3b"].amplitude == (10, 0)
    assert built_in.definition is None
    for data in (own, built_in):
        assert (data.epoch.n_times, data.epoch.start_ms) == (1000, -200)
        assert data.head.channels == ("Fz", "Cz", "Pz", "Oz")


def test_another_definition_of_one_name_has_another_key(oddball_file):
    keys = {
        next(decoder_cells(load(oddball_file, overrides))).key
        for overrides in ([], [f"{P3B}.amplitude=11"], ["data.sfreq=250"], ["data.montage=[Cz,Pz]"])
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (f"{P3B}.latency_ms=1700", "class 'target': signal 'P3b' with latency_ms=[1700.0, 0.0]"),
        (
            f"{P3B}.kind=peek",
            "class 'target': signal 'P3b': kind 'peek' is unknown; did you mean",
        ),
        ("data.features.p300.classes.target.probability=2", "class 'target': probability=2"),
        ("data.features.p300.classes.target.dipoles=[[0,0,200]]", "lies outside the brain"),
        ("grid.feature=p30", "grid.feature 'p30' is unknown; did you mean 'p300'?"),
        ("data.n_trials=45", "n_trials=45 is too few for p300: to hold out 0.2 of each class, "),
        ("data.n_trials=45", "the rarest being 'target', takes at least 48"),
        ("data.n_trials={p300: 100}", "no entry for the feature 'temporal'"),
        (f"{P3B}.width_ms=3", "has width_ms=[3.0, 0.0]; at sfreq=500 Hz it must be at least 6 ms"),
        ("data.tmax=0.9", "class 'P900'"),
        ("data.montage=[Czz,Pz]", "lacks the channels 'Czz' (closest: 'Cz')"),
        ("data.montage=biosemi63", "montage 'biosemi63' is unknown; did you mean 'biosemi64'"),
        ("data.head={channels: [Cz, Pz]}", "are both given; one is enough"),
    ],
)
def test_what_does_not_fit_is_told_when_the_file_is_read(oddball_file, override, told):
    with pytest.raises(ConfigError) as caught:
        load(oddball_file, [override])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_of_a_built_in_feature_type_is_taken(oddball_file):
    text = oddball_file.read_text().replace("p300:", "temporal:").replace("[p300, ", "[")
    oddball_file.write_text(text)
    with pytest.raises(ConfigError, match="the name 'temporal' is taken"):
        load(oddball_file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a:\n\tb: 1\n", "line 2: found character .*; indent by spaces instead of tabs"),
        ("a: 1\nb: [1,\n", "is not valid YAML: line 3: expected the node content"),
        ("name: a\nname: b\n", "there twice, the second time in line 2"),
        ("- a\n", r"holds \['a'\] from line 1 on, it must be a mapping"),
        ("", "holds nothing, it must be a mapping"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(content, told, tmp_path):
    (tmp_path / "wrong.yaml").write_text(content)
    with pytest.raises(ConfigError, match=f"wrong.yaml' .*{told}") as raised:
        load(tmp_path / "wrong.yaml")
    assert "\n" not in str(raised.value)
    assert "unicode string" not in str(raised.value)
