"""Memory of the methods that need many passes for a trial, on the study's network.

Peaks are those of a process of its own, above what it holds after a first map.
"""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

BOUND_MB = 500  # a fraction of what all trials take at once: some 6 MB a trial, mask or step
SCRIPT = """
import sys
from pathlib import Path

import torch

from eegxai.attribution import attribute
from eegxai.decoders import build


def megabytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


name, n_trials, options = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
torch.manual_seed(0)
decoder = build("deepnet", 62, 250, 4, 250.0)
x, target = torch.randn(n_trials, 62, 250), torch.arange(n_trials) % 4
attribute("Saliency", decoder, x[:1], target[:1])
before = megabytes("VmRSS")
attribute(name, decoder, x, target, **options)
print(megabytes("VmHWM") - before)
"""


def peak(name, n_trials, **options):
    """Peak in MB above the process before."""
    command = [sys.executable, "-c", SCRIPT, name, str(n_trials), str(options)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("name", "n_trials", "options"),
    [
        ("ScoreCAM", 16, {}),  # 32 masks each
        ("IntegratedGradients", 192, {"steps": 2}),  # every step takes the same memory
    ],
)
def test_memory_is_bounded(name, n_trials, options):
    assert peak(name, n_trials, **options) < BOUND_MB
