"""Results tell which code and machine made them."""

import os
import re
import subprocess
from pathlib import Path

from sweeps.design.cells import decoder_cells
from sweeps.store.artefacts import store_of
from sweeps.store.provenance import commit, machine, versions
from sweeps.store.records import TrainedDecoder


def test_the_commit_is_that_of_the_source_tree():
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    known = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert commit() == known
    assert re.fullmatch(r"[0-9a-f]{40}|", commit())


def test_the_machine_is_told_by_its_processor():
    assert machine("cpu").endswith(f", {os.cpu_count()} CPUs")
    assert len(machine("cpu")) > len(f", {os.cpu_count()} CPUs")


def test_records_that_are_older_than_their_origin_are_read(tiny):
    record = {"accuracy": 0.5, "at_chance": False, "seconds": 1.0, "finished": 2.0}
    trained = TrainedDecoder(**record, versions=versions(), weights={}, history=[], confusion=[[1]])
    for field in ("machine", "commit"):
        vars(trained).pop(field)  # as it was written before there were such fields
    cell = next(decoder_cells(tiny))
    store_of(tiny).write_decoder(cell, trained)
    read = store_of(tiny).read_decoder(cell)
    assert (read.accuracy, read.machine, read.commit) == (0.5, "", "")
