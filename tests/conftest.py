"""What every test starts from, and how several processes share the tests."""

import os

# Read when torch is imported: the processes are as many as the cores already.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of a file stay together, for its fixtures; those that start servers do, and come first.

    They mostly wait, while other processes compute; side by side they would wait for each other.
    """
    for item in items:
        starts_servers = item.get_closest_marker("cluster") is not None
        group = "servers" if starts_servers else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("cluster") is None)


@pytest.fixture(autouse=True)
def same_weights_every_time():
    """Untrained layers draw from torch's global generator: without a seed a test may be lucky.

    GuidedBackprop of a small random network is all zero now and then.
    """
    torch.manual_seed(0)
