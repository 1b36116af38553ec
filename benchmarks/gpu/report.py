"""The tables in Markdown for docs/benchmarks.md, and as JSON, written whole after every row."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import Outcome, Row
from eegxai.atomic import write_whole


def write(path: Path, heading: str, outcomes: Sequence[Outcome]) -> None:
    """Write both files; what was there before is there until they are whole."""
    write_whole(path, markdown(heading, outcomes))
    content = {"heading": heading, "parts": [asdict(outcome) for outcome in outcomes]}
    write_whole(path.with_suffix(".json"), json.dumps(content, indent=1))


def markdown(heading: str, outcomes: Sequence[Outcome]) -> str:
    """All parts."""
    return "\n\n".join([heading, *map(_section, outcomes)]) + "\n"


def _section(outcome: Outcome) -> str:
    part = outcome.part
    lines = [f"### {part.title}", f"{part.note} ({outcome.seconds:.0f} s)"]
    if outcome.rows:
        lines.append(table(outcome.rows))
    if outcome.remark:
        lines.append(outcome.remark)
    return "\n\n".join(lines)


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table, whose columns are all names that rows have."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[shown(row.get(name)) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: Any) -> str:
    """A value in a cell: three digits of a number, and nothing for nothing."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
