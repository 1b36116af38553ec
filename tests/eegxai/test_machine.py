"""What a system says of its memory, and where it says nothing."""

import math
import os

import pytest

from eegxai import machine


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system whose files are in a folder of the test."""
    monkeypatch.setattr(machine, "MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "MEMORY_GROUP", tmp_path)
    return tmp_path


def write_group(folder, limit, used, cached):
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")


def test_this_machine_has_some_memory():
    assert machine.available_memory() > 1e6


def test_linux_states_what_is_available(system):
    (system / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    assert machine.available_memory() == 4000 * 1024


def test_a_container_may_have_less(system):
    (system / "meminfo").write_text("MemAvailable: 4000 kB\n")
    write_group(system, limit=3_000_000, used=1_500_000, cached=200_000)
    assert machine.available_memory() == 1_700_000
    write_group(system, limit="max", used=1_500_000, cached=200_000)
    assert machine.available_memory() == 4000 * 1024


def test_other_systems_have_that_of_the_machine_or_no_limit(system, monkeypatch):
    sizes = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__, raising=False)
    assert machine.available_memory() == 4_096_000
    monkeypatch.delattr(os, "sysconf")
    assert machine.available_memory() == math.inf
