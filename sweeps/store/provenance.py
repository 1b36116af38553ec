"""Where results come from: the versions, the code and the machine that made them."""

import os
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from eegxai.machine import processor

PACKAGES = ("eegxai", "torch", "captum", "numpy", "mne", "braindecode")


@cache
def versions() -> dict[str, str]:
    """Versions of the packages that results depend on."""
    return {package: version(package) for package in PACKAGES}


@cache
def commit() -> str:
    """Commit of the working tree this package was installed from; empty where there is none."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@cache
def machine(device: str) -> str:
    """Hardware in words: the GPU where ``device`` is one, the processor and its CPUs."""
    gpu = f"{torch.cuda.get_device_name(device)}, " if device.startswith("cuda") else ""
    return f"{gpu}{processor()}, {os.cpu_count()} CPUs"
