"""Events of recordings: which are taken, in which order, and what is cut around them."""

import mne
import numpy as np
import pytest

from eegxai.recordings import read_trials
from eegxai.recordings.epoching import sample_range
from eegxai.recordings.events import event_classes
from tests.recorded import CLASSES, MICROVOLTS, N_TIMES, SFREQ, epochs_of, info_of, recording

SECONDS = N_TIMES / SFREQ


@pytest.fixture
def saved(tmp_path):
    def save(data, name="own_raw.fif"):
        data.save(tmp_path / name, verbose="ERROR")
        return tmp_path / name

    return save


def annotated(onsets, names, durations=0.0):
    return recording().set_annotations(mne.Annotations(onsets, durations, names))


def triggered(microvolts=MICROVOLTS, codes=(5, 3, 4) * 3):
    """A recording with pulses of ten samples in a stim channel, half way through each trial."""
    pulses = np.zeros((len(microvolts), 1, N_TIMES))
    pulses[:, 0, 32:42] = 1e6 * np.array(codes)[:, None]
    info = info_of(["Fp1", "C3", "STI", "C4", "O1"], ["eeg", "eeg", "stim", "eeg", "eeg"])
    both = np.concatenate([microvolts[:, :2], pulses, microvolts[:, 2:]], axis=1)
    return recording(both, info).set_annotations(None)


def test_events_of_a_stim_channel(saved):
    trials = read_trials(saved(triggered()), tmin=-0.25, tmax=0.25)
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=1e-5)
    assert trials.class_names == ("3", "4", "5")
    assert trials.y.tolist() == [2, 0, 1] * 3
    assert (trials.tmin, trials.ch_names) == (-0.25, ("Fp1", "C3", "C4", "O1"))
    assert any("events of the stim channel: 64 samples, from -0.25 s" in n for n in trials.notes)


def test_events_are_chosen_named_and_ordered(saved):
    path = saved(triggered())
    known = {"tmin": -0.25, "tmax": 0.25}
    two = read_trials(path, events={"5": "go", 4: "stop"}, **known)
    assert (two.class_names, two.y.tolist()) == (("go", "stop"), [0, 1] * 3)
    np.testing.assert_allclose(two.x, MICROVOLTS[[0, 2, 3, 5, 6, 8]], rtol=0, atol=1e-5)
    joined = read_trials(path, events={"5": "go", "3": "go", "4": "stop"}, **known)
    assert (joined.class_names, joined.y.tolist()) == (("go", "stop"), [0, 0, 1] * 3)
    listed = read_trials(path, events=["5", "3"], **known)
    assert (listed.class_names, listed.y.tolist()) == (("5", "3"), [0, 1] * 3)
    named = read_trials(path, class_names=["a", "b", "c"], **known)
    assert (named.class_names, named.y.tolist()) == (("a", "b", "c"), [2, 0, 1] * 3)


def test_the_stim_channel_is_asked_where_annotations_lack_the_events(saved):
    raw = triggered().set_annotations(mne.Annotations([0.1], [0.0], ["note"]))
    trials = read_trials(saved(raw), events=["3", "4"], tmin=-0.25, tmax=0.25)
    assert trials.class_names == ("3", "4")
    told = (
        r"event '9' is unknown \(choices: note\) among the events of the annotations; "
        r"event '9' is unknown \(choices: 3, 4, 5\) among the events of the stim channel"
    )
    with pytest.raises(ValueError, match=told):
        read_trials(saved(raw, "two_raw.fif"), events=["9"], tmin=0, tmax=1)


def test_events_of_epochs(saved):
    path = saved(epochs_of(), "own-epo.fif")
    trials = read_trials(path, events={"rest": "none", "left": "hand"}, tmin=0.125, tmax=0.25)
    chosen = [trial for trial, name in enumerate(CLASSES) if name != "right"]
    np.testing.assert_allclose(trials.x, MICROVOLTS[chosen, :, 16:32], rtol=0, atol=1e-5)
    assert trials.class_names == ("none", "hand")
    assert trials.y.tolist() == [1, 0] * 3
    np.testing.assert_allclose(trials.times[[0, -1]], [0.125, 31 / SFREQ])


@pytest.mark.parametrize("name", ["own_raw.fif", "own-epo.fif"])
def test_bad_channels_do_not_move_the_others(saved, name):
    data = recording() if name == "own_raw.fif" else epochs_of()
    data.info["bads"] = ["C3"]
    trials = read_trials(saved(data, name))
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=1e-5)
    assert trials.ch_names == ("Fp1", "C3", "C4", "O1")


def test_names_of_brainvision_are_taken_with_and_without_the_type_of_marker():
    names = ["Stimulus/S  1", "Stimulus/S  2", "Comment/end", "New Segment/"]
    assert list(event_classes(names, None).values()) == ["S 1", "S 2", "end"]
    for asked in (["S 2"], ["S  2"], ["Stimulus/S  2"]):
        assert list(event_classes(names, asked)) == ["Stimulus/S  2"]
    both = ["Stimulus/S  1", "Response/S  1"]
    assert list(event_classes(both, None).values()) == both
    with pytest.raises(ValueError, match=r"event 'S 1' is unknown.*choices: Response/S  1, Stim"):
        event_classes(both, ["S 1"])


@pytest.mark.parametrize(
    ("raw", "options", "told"),
    [
        (recording().set_annotations(None), {}, "the recording has no events, neither annotations"),
        (
            recording(),
            {"events": ["left", "rigth"]},
            r"event 'rigth' is unknown; did you mean 'r",
        ),
        (recording(), {"events": "left"}, "events='left' is not allowed: a mapping or list of"),
        (recording(), {"events": {}}, r"events=\{\} is not allowed"),
        (annotated([1, 2], ["a", "b"]), {}, "tmax is missing: not all events have the same dur"),
        (annotated([1, 2], ["a", "b"], [0.5, 1]), {}, "tmax is missing"),
        (recording(), {"tmin": 1, "tmax": 0}, "tmin=1 and tmax=0 leave 0 samples of a trial"),
        (recording(), {"tmin": np.nan}, "tmin=nan and tmax=0.5 are not allowed: times in s are"),
        (recording(), {"tmin": 30, "tmax": 31}, "tmin=30 and tmax=31 reach out of the recording"),
        (annotated([1, 1], ["a", "b"]), {"tmax": 1}, "events 'a' and 'b' are both at sample 128"),
        (annotated([1], ["bad a"], 2), {"tmax": 1}, "the recording has no events"),
        (
            annotated([1, 1], ["bad a", "b"], 1),
            {},
            r"no trial is left of 1; dropped: 1 \(bad a\)",
        ),
    ],
)
def test_events_and_times_that_are_refused(saved, raw, options, told):
    with pytest.raises(ValueError, match=told):
        read_trials(saved(raw), **options)


def test_annotations_named_by_numbers_are_ordered_by_number(saved):
    raw = annotated(SECONDS * np.arange(9), ["10", "2", "33"] * 3)
    trials = read_trials(saved(raw), tmax=SECONDS)
    assert (trials.class_names, trials.y.tolist()) == (("2", "10", "33"), [1, 0, 2] * 3)


def test_times_out_of_epochs(saved):
    with pytest.raises(ValueError, match=r"tmin=-1 and tmax=0.5 are not within the trials, which"):
        read_trials(saved(epochs_of(), "own-epo.fif"), tmin=-1)


def test_trials_that_reach_out_of_the_recording_are_dropped_and_noted(saved):
    trials = read_trials(saved(recording()), tmin=-0.25, tmax=0.25)
    expected = np.hstack(MICROVOLTS)[:, 32:-32].reshape(4, 8, N_TIMES).transpose(1, 0, 2)
    np.testing.assert_allclose(trials.x, expected, rtol=0, atol=1e-5)
    assert "trials that were dropped, of 9: 1 (out of the recording's range)" in trials.notes


def test_a_recording_that_was_cropped_keeps_its_events(saved):
    raw = annotated(SECONDS * np.arange(9), CLASSES).crop(tmin=2 * SECONDS)
    trials = read_trials(saved(raw), tmax=SECONDS)
    np.testing.assert_allclose(trials.x, MICROVOLTS[2:], rtol=0, atol=1e-5)
    assert [trials.class_names[label] for label in trials.y] == CLASSES[2:]


@pytest.mark.parametrize(("start", "durations"), [(0.25, 0.5), (SECONDS, 0.5), (0.25, 0.5004)])
def test_an_event_that_began_before_the_recording_is_no_event(saved, start, durations):
    raw = annotated(SECONDS * np.arange(9), CLASSES, durations).crop(tmin=start)
    trials = read_trials(saved(raw))
    np.testing.assert_allclose(trials.x, MICROVOLTS[1:], rtol=0, atol=1e-5)
    assert [trials.class_names[label] for label in trials.y] == CLASSES[1:]
    assert any("event at the start of the recording was dropped" in n for n in trials.notes)


@pytest.mark.parametrize(
    ("tmin", "tmax", "sfreq", "expected"),
    [(-0.2, 0.8, 250, (-50, 250)), (0, 4, 128, (0, 512)), (0.1, 0.3, 512, (51, 102))],
)
def test_the_sample_at_the_end_is_not_part_of_a_trial(tmin, tmax, sfreq, expected):
    assert sample_range(tmin, tmax, sfreq) == expected
