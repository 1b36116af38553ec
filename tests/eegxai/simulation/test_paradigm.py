"""Anyone's paradigm: epochs, montages and feature types of one's own."""

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

import eegxai.plugins
from eegxai.errors import sentence
from eegxai.head import HeadSpec, open_head, with_montage
from eegxai.simulation import (
    FEATURES,
    ClassSpec,
    DataSpec,
    FeatureSpec,
    NoiseSpec,
    Signal,
    add_feature,
    simulate,
    simulate_spec,
)
from eegxai.simulation.files import write_eeg
from eegxai.simulation.regions import REGIONS
from eegxai.simulation.waveforms import Epoch

TEN_TWENTY = (
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8",
    "P7", "P3", "Pz", "P4", "P8", "O1", "O2",
)  # fmt: skip
P3B = {"kind": "peak", "latency_ms": [400, 40], "width_ms": [300, 40], "amplitude": [12, 4]}
TARGET = {"probability": 0.2, "dipoles": ["precuneus"], "signals": {"P3b": P3B}}


def feature(name="p300", **classes):
    fields = {"name": name, "classes": {"target": TARGET, "standard": None} | classes}
    return TypeAdapter(FeatureSpec).validate_python(fields)


def oddball(n_trials=50, **changes):
    fields = {
        "feature": "p300",
        "definition": feature(),
        "snr_db": -12,
        "n_trials": n_trials,
        "seed": 0,
        "sfreq": 500,
        "tmin": -0.2,
        "tmax": 1.8,
        "head": HeadSpec(channels=TEN_TWENTY),
    }
    return DataSpec(**(fields | changes))


def refusal(make, *arguments, **fields):
    with pytest.raises(ValueError, match=r"\w") as caught:
        make(*arguments, **fields)
    told = sentence(caught.value)
    assert "\n" not in told
    return told


@pytest.fixture(scope="module")
def eeg():
    return simulate_spec(oddball())


@pytest.mark.parametrize("kind", [{"kind": "tone"}, {"kind": "band"}])
@pytest.mark.parametrize("sfreq", [250, 333.3, 1000])
def test_the_narrowest_bursts_that_are_allowed_are_there(kind, sfreq):
    bands = {"tone": {"frequency_hz": 10}, "band": {"band_hz": [8, 13]}}[kind["kind"]]
    burst = signal(**kind, **bands, width_ms=3.000001e3 / sfreq, latency_ms=500)
    definition = feature(target={"probability": 0.5, **burst})
    data = oddball(20, definition=definition, sfreq=sfreq)
    made = simulate_spec(data)
    assert made.ground_truth[made.y == 0].any(axis=(1, 2)).all()


@given(
    first=st.integers(-500, 500), n_times=st.integers(2, 2000), sfreq=st.sampled_from([128, 250.0])
)
def test_time_zero_is_a_sample_and_the_end_is_none(first, n_times, sfreq):
    epoch = Epoch.between(first / sfreq, (first + n_times) / sfreq, sfreq)
    assert (epoch.first, epoch.n_times) == (first, n_times)
    assert epoch.times_ms[0] == epoch.start_ms
    assert epoch.end_ms == pytest.approx(epoch.times_ms[-1] + 1e3 / sfreq)
    inside = first <= 0 < first + n_times
    assert (0.0 in epoch.times_ms) == inside


def test_the_study_s_epoch_is_the_default():
    spec = DataSpec(feature="temporal", snr_db=0, n_trials=4, seed=0)
    assert spec.epoch == Epoch(250, 250.0)
    np.testing.assert_array_equal(spec.epoch.times_ms, 4.0 * np.arange(250))
    assert spec.definition is None


def test_an_oddball_has_its_shape_its_shares_and_its_peak(eeg):
    assert eeg.x.shape == eeg.ground_truth.shape == (50, 19, 1000)
    assert eeg.info["sfreq"] == 500
    assert eeg.class_names == ("target", "standard")
    np.testing.assert_array_equal(np.bincount(eeg.y), [10, 40])
    targets = eeg.ground_truth[eeg.y == 0]
    peak_ms = eeg.spec.epoch.times_ms[np.abs(targets).max(1).argmax(1)]
    np.testing.assert_allclose(peak_ms, eeg.trials["latency_ms"][eeg.y == 0], atol=1.01)
    strongest = np.abs(targets).mean((0, 2)).argmax()
    assert eeg.info.ch_names[strongest] in {"P3", "Pz", "P4"}


def test_a_class_without_signal_has_no_truth_and_no_support(eeg):
    silent = eeg.y == 1
    assert not eeg.ground_truth[silent].any()
    assert not eeg.time_support()[silent].any()
    assert eeg.time_support()[~silent].any(axis=1).all()
    row = eeg.trials[silent].iloc[0]
    assert (row["signal"], row["dipole"], row["side"]) == ("", -1, "")
    assert np.isnan(row["latency_ms"])
    assert np.isfinite(eeg.x).all()


@pytest.mark.parametrize(
    "changes", [{"tmax": 1.802}, {"head": HeadSpec(montage="standard_1020")}, {"snr_db": -20}]
)
def test_any_number_of_channels_and_times(changes):
    spec = oddball(20, **changes)
    assert simulate_spec(spec).x.shape[2] == spec.epoch.n_times


def test_a_burst_keeps_its_time_when_the_epoch_starts_earlier():
    epochs = [Epoch.between(tmin, 1.0, 250.0) for tmin in (0.0, -0.4)]
    made = [
        simulate("spectral", 60, 1, 8, tmin=epoch.start_ms / 1e3).ground_truth for epoch in epochs
    ]
    late = made[1][..., -250:]
    np.testing.assert_allclose(late / late.std(), made[0] / made[0].std(), atol=0.02)
    assert not made[1][..., :100].any()


def test_blinks_come_at_any_time_of_the_epoch():
    noise = NoiseSpec(blink_uv=200, blink_probability=1)
    with_blinks, without = (simulate_spec(oddball(noise=one)).x for one in (noise, NoiseSpec()))
    peaks = np.abs(with_blinks - without).max(1).argmax(1)
    assert peaks.min() < 200
    assert peaks.max() > 800


def test_files_have_the_epoch_s_times(eeg, tmp_path):
    write_eeg(eeg, tmp_path / "a-epo.fif")
    epochs = mne.read_epochs(tmp_path / "a-epo.fif", verbose="ERROR")
    np.testing.assert_allclose(1e3 * epochs.times, eeg.spec.epoch.times_ms)
    assert epochs.event_id == {"target": 1, "standard": 2}
    write_eeg(eeg, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        np.testing.assert_array_equal(found["times_ms"], eeg.spec.epoch.times_ms)
        assert found["sfreq"] == 500


def test_events_of_a_bids_recording_are_at_time_zero(eeg, tmp_path):
    write_eeg(eeg, tmp_path / "bids")
    (events,) = (tmp_path / "bids").glob("sub-*/eeg/*_events.tsv")
    onsets = pd.read_csv(events, sep="\t")["onset"]
    np.testing.assert_allclose(onsets, 0.2 + 2 * np.arange(50))


@pytest.mark.parametrize("name", mne.channels.get_builtin_montages())
def test_every_montage_of_mne_is_on_the_head(name):
    head = open_head(HeadSpec(montage=name))
    places = np.array([channel["loc"][:3] for channel in head.info(1.0)["chs"]])
    assert len(np.unique(places.round(4), axis=0)) == len(places)
    assert np.isfinite(head.lead_field(np.array([REGIONS["precuneus_left"][0]])).gain).all()


def test_an_electrode_with_two_names_counts_once():
    names = open_head(HeadSpec(montage="standard_1020")).info(1.0).ch_names
    assert {"T7", "P8"} < set(names)
    assert {"T3", "T6"}.isdisjoint(names)
    old = HeadSpec(montage="standard_1020", channels=("T3", "Cz"))
    assert open_head(old).info(1.0).ch_names == ["T3", "Cz"]
    assert HeadSpec(montage="standard_1020") == HeadSpec(montage="colin27_1020")


def test_a_montage_is_a_name_or_electrodes_of_the_head():
    assert with_montage(HeadSpec(), None) == HeadSpec()
    assert with_montage(HeadSpec(), ["Cz", "Pz"]) == HeadSpec(channels=("Cz", "Pz"))
    both = with_montage(HeadSpec(channels=("Cz", "Pz")), "biosemi64")
    assert both == HeadSpec(channels=("Cz", "Pz"), montage="biosemi64")
    assert simulate("spatial", 0, 0, 4, montage=["Cz", "Pz"]).x.shape == (4, 2, 250)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"montage": "biosemi65"}, "montage 'biosemi65' is unknown; did you mean 'biosemi64'"),
        ({"montage": "biosemi32", "channels": ("Cz", "TP9")}, "biosemi32 lacks the channels 'TP9'"),
        ({"channels": ("T7", "Cz", "T3")}, "channels 'T7' and 'T3' are at the same place"),
        ({"channels": ("Cz", "Pzz")}, "colin27_1005 lacks the channels 'Pzz' (closest: 'Pz')"),
    ],
)
def test_electrodes_that_do_not_exist_are_told(fields, told):
    assert told in refusal(HeadSpec, **fields)


@pytest.mark.parametrize("montage", [5, {"Cz", "Pz"}, {"Cz": 1}, ["Cz", None], [1, 2]])
def test_a_montage_is_a_name_or_a_list_of_names(montage):
    told = refusal(simulate, "temporal", -3.5, 1, 8, montage=montage)
    assert f"montage={montage!r} is neither the name of a standard montage nor a list of" in told


def test_electrodes_in_a_set_have_no_order():
    assert "is a set, which has no order" in refusal(HeadSpec, channels={"Cz", "Pz"})


def test_a_montage_is_given_once():
    head = HeadSpec(channels=("Cz", "Pz"))
    assert "are both given" in refusal(with_montage, head, ["Fz", "Oz"])


def test_a_name_is_for_the_sphere(tmp_path):
    (tmp_path / "head.mat").touch()
    told = refusal(
        HeadSpec, model="nyhead", file=str(tmp_path / "head.mat"), montage="standard_1020"
    )
    assert "montage 'standard_1020' is only for head sphere" in told


def test_a_feature_type_is_the_same_from_python_and_from_plain_data():
    peak = Signal(
        name="P3b", kind="peak", latency_ms=(400, 40), width_ms=(300, 40), amplitude=(12, 4)
    )
    target = ClassSpec(
        name="target", signals=(peak,), dipoles=REGIONS["precuneus"], probability=0.2
    )
    own = FeatureSpec(name="p300", classes=(target, ClassSpec(name="standard")))
    assert own == feature()
    assert own.shares == (0.2, 0.8)
    assert simulate(own, 0, 0, 20).spec.definition == own


def test_the_definition_travels_with_the_spec():
    spec = oddball()
    read = TypeAdapter(DataSpec).validate_json(to_json(spec))
    assert read == spec
    assert hash(read) == hash(spec)
    assert read.feature_type == feature()


@pytest.mark.parametrize("name", FEATURES)
def test_built_in_feature_types_survive_json(name):
    built_in = FEATURES[name]
    assert TypeAdapter(FeatureSpec).validate_json(to_json(built_in)) == built_in
    assert simulate(built_in, 0, 0, 8).spec == simulate(name, 0, 0, 8).spec


def test_a_name_that_is_built_in_is_refused():
    own = feature(name="temporal")
    told = refusal(DataSpec, feature="temporal", definition=own, snr_db=0, n_trials=9, seed=0)
    assert told == "feature 'temporal' is built in; choose another name for your own"


@pytest.fixture
def no_others(monkeypatch):
    """Feature types that a test adds are gone after it."""
    for name in ("add", "p300"):
        monkeypatch.setitem(FEATURES, name, FEATURES["temporal"])
        monkeypatch.delitem(FEATURES, name)


@pytest.mark.usefixtures("no_others")
def test_a_package_adds_a_feature_type_by_its_entry_point(monkeypatch):
    class Point:
        value = "my_features"

        def load(self):
            add_feature(feature())

    monkeypatch.setattr(eegxai.plugins, "entry_points", lambda group: [Point()])
    eegxai.plugins.load_plugins("eegxai.features")
    spec = oddball(definition=None)
    assert spec == oddball()
    with pytest.raises(ValueError, match="feature 'temporal' exists already"):
        add_feature(feature(name="temporal"))


def signal(**changes):
    return {"signals": {"P3b": {**P3B, **changes}}, "dipoles": ["precuneus"]}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (signal(kind="peek"), "kind 'peek' is unknown; did you mean 'peak'"),
        (signal(kind="tone"), "frequency_hz is missing, which the kind 'tone' needs"),
        (signal(kind="band"), "band_hz is missing, which the kind 'band' needs"),
        (signal(band_hz=[3, 8]), "band_hz is no field of the kind 'peak'"),
        (signal(kind="band", band_hz=[8, 3]), "band_hz=[8.0, 3.0] must be [low, high]"),
        (signal(latency_ms="soon"), "latency_ms='soon' is neither a number nor [mean, deviation]"),
        (signal(latency_ms=[1, 2, 3]), "latency_ms=[1, 2, 3] is neither"),
        (signal(latency_ms=[1, -2]), "latency_ms=[1, -2] holds a deviation below zero"),
        (signal(latency_ms=float("nan")), "latency_ms=nan is neither a number nor"),
        (signal(latency_ms=[400, float("inf")]), "latency_ms=[400, inf] is neither"),
        (signal(amplitude=0), "signal 'P3b': amplitude=0 is out of range: it reaches 0 at a limit"),
        (
            signal(amplitude=[0, 0]),
            "signal 'P3b': amplitude=[0, 0] is out of range: it reaches 0 at a limit",
        ),
        (signal(amplitude=[5, 5]), "amplitude=[5, 5] is out of range: it reaches 0 at a limit"),
        (signal(amplitude=1e-25), "amplitude=1e-25 is out of range: it reaches 1e-25 at a limit"),
        (signal(amplitude=1e38), "amplitude=1e+38 is out of range: it reaches 1e+38 at a limit"),
        (
            signal(amplitude=-1e308),
            "is out of range: it reaches -1e+308 at a limit, allowed",
        ),
        (signal(amplitude=[1e308, 1e307]), "limit, allowed are 1e-06 to 1e+06 and the same below"),
        (signal(width_ms=[10, 20]), "width_ms=[10, 20] is not always above zero"),
        (signal(width=3), "did you mean 'width_ms'"),
        ({**TARGET, "dipoles": ["precuneos"]}, "region 'precuneos' is unknown; did you mean"),
        ({**TARGET, "dipoles": [[1, 2]]}, "dipole [1, 2] is neither the name of a region nor"),
        ({**TARGET, "dipoles": 3}, "dipoles=3 must be a list"),
        ({**TARGET, "probability": 1.5}, "probability=1.5 is not allowed"),
        ({**TARGET, "probability": 40}, "probability=40 is not allowed: it is a share between"),
        ({**TARGET, "probability": 1}, "share between 0.001 and 1, not a percentage"),
        ({**TARGET, "probability": 0.0005}, "probability=0.0005 is not allowed: it is a share"),
        ({**TARGET, "signals": {"a\nb": P3B}}, "name='a\\nb' holds a control character"),
        (3, "class 'target' is 3, but a mapping of its fields is needed"),
    ],
)
def test_mistakes_in_a_class_name_it_and_the_value(target, told):
    found = refusal(feature, target=target)
    assert found.startswith("class 'target'")
    assert told in found


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ({"standard": {"probability": 0.9}}, "sum to 1.1 and not to 1: target 0.2, standard 0.9"),
        ({"a": {"probability": 0.8}}, "class 'standard' has no probability, and the others leave"),
        ({"target": {"signals": {"P3b": P3B}}}, "class 'target' has signals and no dipoles"),
        ({"target": None}, "no class has a signal"),
        ({"standard": signal(amplitude=1)}, "signal 'P3b' has other values than in another class"),
    ],
)
def test_classes_that_do_not_fit_each_other_are_told(classes, told):
    assert told in refusal(feature, **classes)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("latency_ms", "latency"), ("amplitude", "amplitde"), ("frequency_hz", "frequncy_hz")],
)
def test_a_misspelt_field_is_told_rather_than_the_one_that_is_missing(right, wrong):
    tone = {**P3B, "kind": "tone", "frequency_hz": 10}
    fields = {wrong if name == right else name: value for name, value in tone.items()}
    told = refusal(feature, target={**TARGET, "signals": {"P3b": fields}})
    expected = f"class 'target': signal 'P3b': field {wrong!r} is unknown; did you mean {right!r}?"
    assert told.startswith(expected)


def test_misspelt_fields_of_a_feature_type_and_a_head_are_told():
    made = TypeAdapter(FeatureSpec).validate_python
    with pytest.raises(ValidationError) as caught:
        made({"name": "a", "clases": {"target": TARGET}})
    told = sentence(caught.value, FeatureSpec)
    assert told.startswith("field 'clases' is unknown; did you mean 'classes'?")
    with pytest.raises(ValueError, match=r"^field 'fil' is unknown; did you mean 'file"):
        HeadSpec(model="nyhead", fil="sa.mat")


@pytest.mark.parametrize("name", ["a\nb", "\x00a", "a\tb", "a\u2028b"])
def test_a_name_holds_no_control_character(name):
    with pytest.raises(ValueError, match="holds a control character"):
        feature(**{name: TARGET})


@pytest.mark.parametrize("amplitude", [(7, 6), (-7, 6), (0, 20), 1e-6, -1e6])
def test_amplitudes_that_are_allowed(amplitude):
    assert feature(target={**TARGET, "signals": {"x": {**P3B, "amplitude": amplitude}}})


@pytest.mark.parametrize(
    ("distractor", "told"),
    [
        ({"probability": 0.5, **signal()}, "the distractor has probability=0.5, but is active in"),
        ({"dipoles": ["cuneus"]}, "the distractor has no signal, at least one is needed"),
        ({"name": "target", **signal()}, "the distractor is named 'target' like a class"),
    ],
)
def test_a_distractor_is_active_in_every_trial(distractor, told):
    fields = {"name": "p300", "classes": {"target": TARGET, "standard": None}}
    read = TypeAdapter(FeatureSpec).validate_python
    assert told in refusal(read, fields | {"distractor": distractor})


@pytest.mark.parametrize("field", ["classes", "signals"])
def test_a_set_has_no_order(field):
    one = feature().classes
    make = {
        "classes": lambda: FeatureSpec(name="a", classes=set(one)),
        "signals": lambda: ClassSpec(name="a", signals={*one[0].signals}),
    }
    assert "is a set, which has no order; a list is needed" in refusal(make[field])


def test_a_class_is_given_once():
    fields = {"name": "a", "classes": [{"name": "b", **TARGET}, {"name": "b"}]}
    with pytest.raises(ValidationError, match="class 'b' is given more than once"):
        TypeAdapter(FeatureSpec).validate_python(fields)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (signal(latency_ms=1700), "lasts from 1530 to 1870 ms, but the epoch from -200 to 1800 ms"),
        (signal(latency_ms=-100), "lasts from -270 to 70 ms"),
        (signal(width_ms=3), "it must be at least 6 ms, three samples"),
        (
            signal(kind="tone", frequency_hz=10, width_ms=5.9),
            "signal 'P3b' has width_ms=[5.9, 0.0]",
        ),
        (
            signal(kind="band", band_hz=[5, 9], width_ms=[9, 4]),
            "'P3b' has width_ms=[9.0, 4.0]",
        ),
        (signal(kind="tone", frequency_hz=10, band_hz=[1, 1e9]), "frequencies from 1 to 1e+09 Hz"),
        (signal(kind="tone", frequency_hz=[240, 20]), "has frequencies from 220 to 260 Hz"),
        (signal(kind="band", band_hz=[30, 249.8]), "has frequencies from 29.5 to 250.3 Hz"),
        (signal(kind="band", band_hz=[0.2, 4]), "has frequencies from -0.3 to 4.5 Hz"),
        ({**TARGET, "dipoles": [[0, 0, 120]]}, "MNI (0, 0, 120) mm lies outside the brain"),
    ],
)
def test_what_fits_neither_epoch_nor_head_names_its_class(changes, told):
    found = refusal(oddball, definition=feature(target={"probability": 0.2, **changes}))
    assert found.startswith("class 'target': ")
    assert told in found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tmax": -0.3}, "tmax=-0.3 must be greater than tmin=-0.2"),
        ({"sfreq": 0.5}, "sfreq=0.5 leaves 1 samples"),
        ({"sfreq": 0}, "sfreq=0 is not allowed"),
        ({"n_trials": int("9" * 400)}, "n_trials=999"),
        ({"n_trials": True}, "n_trials=True is a truth value and not a number"),
        ({"snr_db": True}, "snr_db=True is a truth value and not a number"),
        ({"seed": False}, "seed=False is a truth value and not a number"),
        ({"noise": {"n_dipoles": 10**400}}, "n_dipoles=1000"),
        ({"n_trials": 2}, "n_trials 2 is too small: 'p300' has 2 classes and needs at least 3"),
        ({"feature": "p30"}, "definition is of 'p300' and not of feature 'p30'"),
        ({"feature": "p30", "definition": None}, "feature 'p30' is unknown"),
    ],
)
def test_mistakes_in_the_data_are_told(changes, told):
    assert told in refusal(oddball, **changes)


def test_the_line_must_be_below_nyquist_where_there_is_one():
    noise = NoiseSpec(line_uv=3, line_hz=60)
    assert "line_hz=60 must be below 50" in refusal(oddball, sfreq=100, noise=noise)
    assert oddball(sfreq=100, noise=NoiseSpec(line_hz=60)).epoch.n_times == 200


@pytest.mark.parametrize("name", REGIONS)
def test_every_region_is_inside_the_head(name):
    open_head(HeadSpec()).require_inside(np.array(REGIONS[name]))


def test_left_is_left():
    for name, places in REGIONS.items():
        if name.endswith("_left") and not name.startswith("study"):
            assert places[0][0] < 0 < REGIONS[name.replace("_left", "_right")][0][0]
