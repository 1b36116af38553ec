"""Where results come from: the versions, the code and the machine that made them."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

PACKAGES = ("eegxai", "torch", "captum", "numpy", "mne", "braindecode")
CPU_INFO = Path("/proc/cpuinfo")


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
    return f"{gpu}{_processor()}, {os.cpu_count()} CPUs"


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
