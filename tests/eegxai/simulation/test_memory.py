"""Data sets that do not fit into memory are refused before any work, with what would fit."""

import re
import subprocess
import sys
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.head import HeadSpec
from eegxai.simulation import DataSpec, NoiseSpec, memory, simulate
from eegxai.simulation.memory import array_bytes, needed_memory, require_memory

MONTAGES = (None, "standard_1020", "biosemi128")


def data_spec(n_trials=100, sfreq=250.0, montage=None):
    head = HeadSpec(montage=montage)
    return DataSpec(feature="temporal", snr_db=0, n_trials=n_trials, seed=0, sfreq=sfreq, head=head)


def refusal(data, free):
    """The message where so many bytes are free, empty where the data fit."""
    with mock.patch.object(memory, "available_memory", return_value=free):
        try:
            require_memory(data)
        except ValueError as error:
            return str(error)
    return ""


@settings(deadline=None, max_examples=40)  # the first example opens a head
@given(
    n_trials=st.integers(4, 10**12),
    sfreq=st.floats(130, 1e6),
    montage=st.sampled_from(MONTAGES),
    free=st.floats(0, 1e15),
)
def test_as_many_trials_fit_as_the_message_says_and_no_more(n_trials, sfreq, montage, free):
    told = refusal(data_spec(n_trials, sfreq, montage), free)
    if not told:
        assert needed_memory(data_spec(n_trials, sfreq, montage)) <= free
        return
    assert f"n_trials={n_trials}" in told
    assert "\n" not in told
    if found := re.search(r"at most (\d+) trials fit", told):
        most = int(found[1])
        assert 4 <= most < n_trials
        assert not refusal(data_spec(most, sfreq, montage), free)
        assert refusal(data_spec(most + 1, sfreq, montage), free)
    else:
        assert refusal(data_spec(4, sfreq, montage), free)


@settings(deadline=None)  # the first example opens a head
@given(n_trials=st.integers(4, 10**6), sfreq=st.integers(130, 2000))
def test_both_arrays_are_counted(n_trials, sfreq):
    data = data_spec(n_trials, sfreq)
    assert array_bytes(data) == 2 * n_trials * 62 * sfreq * 4
    assert needed_memory(data) > array_bytes(data)


@settings(deadline=None)
@given(further=st.floats(0, 10), n_trials=st.integers(4, 10**6))
def test_the_next_step_takes_multiples_of_both_arrays(further, n_trials):
    data = data_spec(n_trials)
    extra = needed_memory(data, further) - needed_memory(data)
    assert extra == pytest.approx(further * array_bytes(data), abs=1)


def test_simulate_refuses_what_this_machine_cannot_hold():
    with pytest.raises(ValueError, match=r"n_trials=1000000000 of 62 channels .* trials fit"):
        simulate("temporal", -3.5, 0, 10**9)
    with pytest.raises(ValueError, match=r"takes 127,00[0-9] GB of memory and [\d.]+ GB is free"):
        simulate("temporal", -3.5, 0, 10**9)
    with pytest.raises(ValueError, match="a shorter epoch or lower sfreq may fit"):
        simulate("temporal", -3.5, 0, 4, sfreq=1e6)


def test_fewer_sources_fit_where_they_take_the_memory():
    noise = NoiseSpec(n_dipoles=10**6)
    data = DataSpec(feature="temporal", snr_db=0, n_trials=4, seed=0, noise=noise)
    told = "fewer noise sources than noise.n_dipoles=1000000 may fit"
    assert refusal(data, 2e9).endswith(told)
    assert refusal(data, 1e6).endswith("a shorter epoch or lower sfreq may fit")


MEASURED = """
import os
from itertools import product
from pathlib import Path
from eegxai.simulation import simulate
from eegxai.simulation.memory import needed_memory
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
def measure(n_trials, sfreq, definition):
    simulate("temporal", -3.5, 0, 8)
    before = peak()
    eeg = simulate("temporal", -3.5, 0, n_trials, sfreq=sfreq, snr_definition=definition)
    print((peak() - before) / needed_memory(eeg.spec), flush=True)
sizes, definitions = [(1000, 250), (64, 4000)], ["signal_to_noise", "source_to_sensor"]
for size, definition in product(sizes, definitions):
    child = os.fork()  # a process with a peak of its own that has imported everything
    if not child:
        measure(*size, definition)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_the_estimate_is_above_what_is_measured_and_not_far():
    command = [sys.executable, "-c", MEASURED]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    shares = [float(share) for share in done.stdout.split()]
    assert len(shares) == 4
    assert all(0.4 < share <= 1 for share in shares), shares
