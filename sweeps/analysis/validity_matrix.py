"""Validity of the methods on a sweep's architectures: a table of evidence and its matrix."""

from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pandas as pd

from eegxai.attribution import CONTROLS, Validity, find
from sweeps.design.cells import MethodCell, decoder_cells
from sweeps.design.config import SweepConfig
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from sweeps.tasks.explain import judge
from sweeps.tasks.rebuilt import rebuild_decoder

CODES = {"not_applicable": "-", "degenerate": "empty", "duplicate": "same"}
MATRIX_LEGEND = (
    "ok: no check failed; a number: sum of the map relative to the sum that\n"
    "the method guarantees (median, or the worst trial); -: not applicable; empty: zero or\n"
    "constant maps; same: equal to a method before it; batch: depends on the other trials"
)


def cells_to_judge(config: SweepConfig) -> Iterator[MethodCell]:
    """The sweep's methods on the first decoder of each of its architectures."""
    decoders = list(decoder_cells(config))
    for architecture in config.grid.architecture:
        decoder = next(cell for cell in decoders if cell.architecture == architecture)
        for method in [method for method in config.grid.method if method not in CONTROLS]:
            options = config.attribution.of(method)
            yield MethodCell(
                decoder=decoder, method=method, options=options, evaluation=config.evaluation
            )


def validity_evidence(
    cells: Iterable[MethodCell], store: Store, device: str = "cpu"
) -> pd.DataFrame:
    """One row per method and architecture: what was found, its flags and the matrix's code."""
    rows = []
    for cell in cells:
        verdict = _validity_of_cell(cell, store, device)
        rows.append(
            {
                "method": cell.method,
                "architecture": cell.decoder.architecture,
                **asdict(verdict),
                "flags": "; ".join(verdict.flags),
                "code": code(verdict),
            }
        )
    return pd.DataFrame(rows)


def _validity_of_cell(cell: MethodCell, store: Store, device: str) -> Validity:
    """What the finished cell says, where it is there and whole; measured now where not."""
    if store.has(cell):
        with suppress(BrokenArtefactError):
            return store.read_scores(cell).validity
    return judge(cell, rebuild_decoder(cell.decoder, cell.evaluation, store, device))


def code(verdict: Validity) -> str:
    """A word for the matrix."""
    if verdict.status != "ok":
        return CODES[verdict.status]
    if not verdict.flags:
        return "ok"
    ratios = [verdict.completeness, verdict.completeness_worst]
    texts = [f"{ratio:.2f}" for ratio in ratios if ratio is not None]
    return next((text for text in texts if text != "1.00"), "batch")


def matrix(table: pd.DataFrame) -> pd.DataFrame:
    """Codes, one row per method and one column per architecture, in the table's order."""
    wide = table.pivot_table("code", "method", "architecture", "first", sort=False)
    return wide.rename_axis(columns=None)


def matrix_notes(table: pd.DataFrame) -> list[str]:
    """One line per reason, with the methods and architectures it holds for."""
    noted = table.assign(note=[_reason(row) for row in table.to_dict("records")])
    noted = noted[noted["note"] != ""]
    where = noted.groupby(["note", "method"], sort=False)["architecture"].agg(", ".join)
    groups = where.reset_index().groupby(["note", "architecture"], sort=False)["method"]
    return [f"{', '.join(methods)} on {names}: {note}" for (note, names), methods in groups]


def _reason(row: dict[Hashable, Any]) -> str:
    """Reason of a verdict without the names of method and decoder."""
    if row["status"] == "duplicate":
        other = row["duplicate_of"]
        return f"equals {other} of the group {find(other).group}"
    reason = str(row["reason"])
    return reason.partition(": ")[2] if row["status"] == "not_applicable" else reason
