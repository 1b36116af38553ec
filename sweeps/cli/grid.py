"""``eegxai grid``: the cells of a sweep, and how many are done."""

from collections import Counter
from typing import Annotated

import typer

from eegxai.rounding import counted
from sweeps.cli.common import Arguments, configuration, print_error, terminal, too_large
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.report.terminal import print_lines, print_sentence
from sweeps.store.artefacts import store_of


def grid(
    arguments: Arguments = None,
    cells: Annotated[
        bool,
        typer.Option("--cells", help="List every decoder, with how many of its methods are done."),
    ] = False,
) -> None:
    """Count the cells of a sweep and those that are done; --cells lists the decoders.

    For example: eegxai grid paper
    """
    config = configuration(arguments)
    console = terminal()
    store = store_of(config)
    trained = {cell: store.has(cell) for cell in decoder_cells(config)}
    explained = Counter(cell.decoder for cell in method_cells(config) if store.has(cell))
    n_methods = len(config.grid.method)
    for cell, done in trained.items() if cells else ():
        state = "done" if done else "open"
        print_sentence(console, f"{state}  {cell.title}, {explained[cell]}/{n_methods} methods")
    for axis, values in config.grid:
        print_lines(console, [f"{axis}: {', '.join(map(str, values))}"])
    counts = {
        "decoders": (len(trained), sum(trained.values())),
        "methods": (len(trained) * n_methods, explained.total()),
    }
    for kind, (total, n_done) in counts.items():
        print_sentence(console, f"{kind}: {counted(total, 'cell')}, {n_done} done")
    if unused := config.unused_options:
        print_lines(console, [unused])
    if told := too_large(config):  # the cells may be meant for another machine
        print_error(f"these cells need a machine with more memory than this one: {told}")
