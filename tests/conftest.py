"""What every test starts from."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_weights_every_time():
    """Untrained layers draw from torch's global generator: without a seed a test may be lucky.

    GuidedBackprop of a small random network is all zero now and then.
    """
    torch.manual_seed(0)
