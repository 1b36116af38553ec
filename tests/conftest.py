"""What every test starts from, and how several processes share the tests."""

import os
import sys

# Told to keep no bytecode, each process that starts would compile all modules and tests again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Read when torch is imported: the processes are more than the cores already.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Ray's workers step back (15) for whoever uses the machine; beside tests that would starve them.
os.environ.setdefault("RAY_worker_niceness", "0")
# Nor does it start a worker for each core before there is work: actors are given others anyway.
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")

import pytest
import torch

from eegxai.machine import usable_cpus

MOST_PROCESSES = 4


def pytest_configure():
    """Keep the bytecode of tests, as the processes that they start do of modules."""
    sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers():
    """One process more than there are cores, because tests also wait for servers to start."""
    return min(usable_cpus() + 1, MOST_PROCESSES)


def pytest_collection_modifyitems(items):
    """Files that start servers come first, then those with slow tests: a process takes a file."""
    files = {
        mark: {item.path for item in items if item.get_closest_marker(mark)}
        for mark in ("cluster", "slow")
    }
    items.sort(key=lambda item: (item.path not in files["cluster"], item.path not in files["slow"]))


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a GPU")


@pytest.fixture(autouse=True)
def same_weights_every_time():
    """Untrained layers draw from torch's global generator: without a seed a test may be lucky.

    GuidedBackprop of a small random network is all zero now and then.
    """
    torch.manual_seed(0)
