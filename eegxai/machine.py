"""The one place for what Linux offers and other systems lack.

On other systems each function does what the system allows, or nothing.
"""

import os
from functools import cache

import numpy as np


def usable_cpus() -> int:
    """Number of CPUs that this process may use; all of the machine's if the system cannot say."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@cache
def keep_freed_memory() -> None:
    """Let the C library keep the memory of large temporary arrays instead of returning it.

    glibc maps blocks of megabytes anew each time, and the page faults take as long as the work,
    until one block below 32 MB has been freed (mallopt(3), M_MMAP_THRESHOLD). The block is never
    touched, so it costs no memory. Other C libraries are not changed by it.
    """
    np.empty(31 << 20, np.uint8)
