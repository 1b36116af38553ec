"""In place of thought: what takes long and touches neither disk nor network is made up.

Decoders are trained, stored and read for real. The scores of a method are drawn from the weights of
its decoder, so that a decoder which came back otherwise than it went shows.
"""

import hashlib
from typing import Any

import pandas as pd
import pytest

import sweeps.execution.sweep as sweep_module
import sweeps.tasks.explain as explain_module
import sweeps.tracking.publisher as publisher_module
from sweeps.analysis.claims.verdicts import Verdicts
from sweeps.design.cells import MethodCell
from sweeps.tasks.rebuilt import RebuiltDecoder
from tests.finished_cells import OK, example_maps, scores_table


def scored(cell: MethodCell, opened: RebuiltDecoder) -> pd.DataFrame:
    """Scores of a method, once its maps are stored, as ever."""
    digest = hashlib.sha256(cell.key.encode())
    for _, value in sorted(opened.decoder.state_dict().items()):
        digest.update(value.cpu().numpy().tobytes())
    opened.store.write_maps(cell, example_maps())
    return scores_table(int.from_bytes(digest.digest()[:4]))


def decided(_study: Any, tidy: pd.DataFrame) -> Verdicts:
    """Claims of a study."""
    return Verdicts(tidy.head(3), tidy.head(0))


def concluded(tidy: pd.DataFrame, **_how: Any) -> dict[str, bytes]:
    """The page that a sweep ends with."""
    return {"closing_table.html": tidy.to_csv(index=False).encode()}


def make_up(patch: pytest.MonkeyPatch) -> None:
    """Make up explanations, claims, pages and tables, in this process and those it forks."""
    patch.setattr(explain_module, "judge", lambda _cell, _opened: OK)
    patch.setattr(explain_module, "_scored_method", scored)
    patch.setattr(publisher_module, "decide", decided)
    patch.setattr(sweep_module, "closing_page", concluded)
    patch.setattr(sweep_module.Sweep, "table", lambda _sweep: pd.DataFrame())
