"""Draw docs/img/rankings.png from a quickstart sweep, run before with the same overrides.

    eegxai sweep quickstart training.epochs=30 evaluation.n_trials=32
    python scripts/draw_ranking_picture.py training.epochs=30 evaluation.n_trials=32

Methods ranked by the study's headline score, and by a calibrated one of the same maps.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from eegxai.evaluation import HEADLINE
from eegxai.figures import rankings
from sweeps.combined import tidy_from_store
from sweeps.config import load
from sweeps.grid import method_cells
from sweeps.store import Store

ROOT = Path(__file__).parents[1]
CALIBRATED = "auprc_magnitude"
SIDES = {"paper": "paper: mass, cosine", "calibrated": "calibrated: AUPRC"}


def main(overrides: Sequence[str]) -> None:
    """Write docs/img/rankings.png."""
    config = load(ROOT / "conf" / "quickstart.yaml", overrides)
    store = Store(str(Path(config.output).resolve() / "store"))
    tidy = tidy_from_store(method_cells(config), store)
    truth = tidy[tidy["check"] == "ground_truth"]
    domains = truth["feature"].map({feature: domain for feature, (domain, _) in HEADLINE.items()})
    wide = truth[truth["domain"] == domains].pivot_table(
        "mean", ["feature", "method"], "metric", sort=False
    )
    paper = [wide.loc[key, HEADLINE[key[0]][1]] for key in wide.index]
    scores = wide.assign(paper=paper, calibrated=wide[CALIBRATED]).rename(columns=SIDES)
    figure = rankings(scores.reset_index(), *SIDES.values())
    figure.savefig(ROOT / "docs" / "img" / "rankings.png", dpi=130)


if __name__ == "__main__":
    main(sys.argv[1:])
