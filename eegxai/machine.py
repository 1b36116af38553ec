"""The one place for what Linux offers and other systems lack.

On other systems each function does what the system allows, or nothing.
"""

import math
import os
import platform
from functools import cache
from pathlib import Path

import numpy as np

CPU_INFO = Path("/proc/cpuinfo")
MEMORY_INFO = Path("/proc/meminfo")
MEMORY_GROUP = Path("/sys/fs/cgroup")  # of a container, which may have less than the machine
GROUP_FIELDS = ("max", "current")
# Where sockets have short paths, whatever TMPDIR says; Windows has no such sockets.
SHORT_TEMPORARY_FOLDER = "/tmp"


def usable_cpus() -> int:
    """Number of CPUs that this process may use; all of the machine's if the system cannot say."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def processor() -> str:
    """Name of the processor; its architecture where the system does not say more."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def available_memory() -> float:
    """Bytes of memory that a program can take now without swapping; infinite if no one says.

    What Linux counts as available, in a container no more than its limit leaves; elsewhere the
    memory of the whole machine, where the system states it.
    """
    return min(_free_memory(), _left_to_container())


def _free_memory() -> float:
    try:
        lines = MEMORY_INFO.read_text().splitlines()
    except OSError:
        return _memory_of_machine()
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return 1024.0 * int(next(found, 0)) or math.inf


def _memory_of_machine() -> float:
    ask = getattr(os, "sysconf", None)
    try:
        return float(ask("SC_PHYS_PAGES") * ask("SC_PAGE_SIZE")) if ask else math.inf
    except (OSError, ValueError):
        return math.inf


def _left_to_container() -> float:
    """What the limit of the container leaves; the cache of files within it can be dropped."""
    try:
        limit, used = (int((MEMORY_GROUP / f"memory.{name}").read_text()) for name in GROUP_FIELDS)
        lines = (MEMORY_GROUP / "memory.stat").read_text().splitlines()
        cached = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError, StopIteration):  # no container, or "max"
        return math.inf
    return float(limit - used + cached)


@cache
def keep_freed_memory() -> None:
    """Let the C library keep the memory of large temporary arrays instead of returning it.

    glibc maps blocks of megabytes anew each time, and the page faults take as long as the work,
    until one block below 32 MB has been freed (mallopt(3), M_MMAP_THRESHOLD). The block is never
    touched, so it costs no memory. Other C libraries are not changed by it.
    """
    np.empty(31 << 20, np.uint8)
