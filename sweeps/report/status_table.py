"""How far a sweep is, as a table."""

from collections.abc import Callable

from sweeps.report.table import Table, TableCell, plain_value
from sweeps.store.status import CELL_STATES, Status


def status_table(status: Status, duration: Callable[[float], str] | None = None) -> Table:
    """Cells by stage, architecture and state; with the work left where hours have a format."""
    columns = ["stage", "architecture", *CELL_STATES]
    counts = status.counts.to_dict("records")
    rows = [[plain_value(row[name]) for name in columns] for row in counts]
    if duration:
        columns.append("worker time left")
        for cells, row in zip(rows, counts, strict=True):
            cells.append(TableCell(duration(row["hours"]), str(row["hours"])))
    return Table("Cells by state", columns, rows)
