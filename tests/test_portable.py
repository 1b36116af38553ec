"""The code runs on macOS and Windows too, and importing it takes no memory worth a word."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

HELPER = ROOT / "eegxai" / "machine.py"  # the one module that may use these, where they exist
# Of the standard library, what macOS or Windows lack.
LINUX_MODULES = {
    "crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios",
    "tty",
}  # fmt: skip
LINUX_NAMES = {
    "os": {
        "chown", "chroot", "eventfd", "fork", "forkpty", "getegid", "geteuid", "getgid",
        "getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getsid", "getuid",
        "getxattr", "killpg", "lchown", "listxattr", "memfd_create", "mkfifo", "mknod", "nice",
        "pidfd_open", "posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "pwrite",
        "register_at_fork", "sched_getaffinity", "sched_setaffinity", "sched_yield", "sendfile",
        "setgid", "setpgid", "setpriority", "setsid", "setuid", "setxattr", "splice", "statvfs",
        "sysconf", "uname", "wait3", "wait4",
    },
    "signal": {
        "SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1",
        "SIGUSR2", "alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait",
    },
    "time": {"pthread_getcpuclockid", "tzset"},
    "socket": {"AF_UNIX"},
}  # fmt: skip
LINUX_FOLDERS = ("/proc/", "/dev/", "/sys/", "/tmp/", "/var/", "/etc/")


def python_files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


MODULES = python_files("eegxai", "sweeps", "scripts", "examples")
# What is run on one machine by who develops: a part may need Linux, but importing it may not.
AROUND = [path for path in python_files("tests", "benchmarks") if path != Path(__file__)]
MOST_BYTES = 1 << 20
ALLOCATING = {"arange", "empty", "eye", "full", "linspace", "ones", "rand", "randn", "zeros"}


def linux_only(tree):
    """What a module uses that other systems lack."""
    for node in ast.walk(tree):
        yield from needed_by(node)


def needed_by(node):
    """What one node uses that other systems lack."""
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names if a.name in LINUX_MODULES)
    elif isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        yield from names & LINUX_NAMES.get(node.module or "", set())
        yield from {node.module} & LINUX_MODULES
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield from {node.attr} & LINUX_NAMES.get(node.value.id, set())
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (folder for folder in LINUX_FOLDERS if node.value.startswith(folder))


def at_import(tree):
    """The nodes of a module that run when it is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_the_helper_needs_linux(path):
    found = sorted(set(linux_only(ast.parse(path.read_text(encoding="utf-8")))))
    assert path == HELPER or not found, f"{path.relative_to(ROOT)} needs {found}"


@pytest.mark.parametrize("path", AROUND, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_or_benchmark_needs_linux_to_be_imported(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = sorted({name for node in at_import(tree) for name in needed_by(node)})
    assert not found, f"{path.relative_to(ROOT)} needs {found} as it is imported"


def test_the_helper_asks_before_it_uses_them():
    tree = ast.parse(HELPER.read_text(encoding="utf-8"))
    assert set(linux_only(tree)) <= set(LINUX_FOLDERS)  # a file it tries to read; names by getattr


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from resource import getrusage",
        "import os\nos.fork()",
        "from os import killpg",
        "import signal\nstop = signal.SIGKILL",
        "open('/proc/cpuinfo')",
    ],
)
def test_each_kind_is_found(source):
    assert list(linux_only(ast.parse(source)))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_allocates_arrays_as_it_is_imported(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in at_import(tree) if isinstance(node, ast.Call)]
    made = [f.attr for f in calls if isinstance(f, ast.Attribute) and f.attr in ALLOCATING]
    assert not made, f"{path.relative_to(ROOT)} calls {made} at its import"


@pytest.mark.slow
def test_importing_everything_holds_no_large_array():
    code = f"""
import gc, pkgutil, sys
import numpy as np, torch
import eegxai, sweeps
for package in (eegxai, sweeps):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            __import__(module.name)
own = ("eegxai", "sweeps")
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in own]
found = {{
    f"{{module.__name__}}.{{name}}": value.nbytes
    for module in ours
    for name, value in vars(module).items()
    if isinstance(value, (np.ndarray, torch.Tensor)) and value.nbytes > {MOST_BYTES}
}}
sys.exit(str(found) if found else 0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
