"""Tidy tables of sweeps that were never run, with values that follow from the axes."""

from itertools import product

import pandas as pd

from eegxai.evaluation import HEADLINE, SIMILARITY_NULLS
from eegxai.seeding import generator
from sweeps.scores.table import AREA, AXES, FIRST_BELOW, TIDY

SIMILARITY = "pearson_raw"
N_LAYERS = {"deepnet": 8, "eegnet_relu": 4}


def tidy_table(
    methods,
    features=("temporal", "spatial"),
    snrs=(-3.5, -12.0),
    seeds=(0, 1, 2),
    architectures=("deepnet", "eegnet_relu"),
):
    """Scores that fall with the SNR and with the place of the method, plus a little noise."""
    axes = product(features, snrs, seeds, (0,), architectures, enumerate(methods))
    return as_tidy([_cell(*values) for values in axes])


def _cell(feature, snr_db, seed, fold, architecture, numbered):
    place, method = numbered
    axes = dict(zip(AXES, (feature, snr_db, seed, fold, architecture, method), strict=True))
    noise = 0.05 * generator(seed, f"{sorted(axes.items())}").random()
    score = max(0.1, 0.9 + snr_db / 40 - 0.05 * place + noise)
    domain, metric = HEADLINE[feature]
    n_layers = N_LAYERS[architecture]
    rows = [
        ("ground_truth", domain, metric, 0, score),
        ("ground_truth", domain, "auprc_magnitude", 0, 1 - score),
        ("same_spectrum", domain, metric, 0, 0.05),
        ("same_spectrum", domain, "auprc_magnitude", 0, 0.01),
        ("untrained", domain, "auprc_magnitude", 0, 0.02),
        ("ideal_observer", domain, "auprc_magnitude", 0, 0.95),
        ("input_magnitude", domain, "auprc_magnitude", 0, 0.3),
        ("ground_truth", "channel", "used_pearson", 0, 0.9),
        *((check, domain, SIMILARITY, 0, noise) for check in SIMILARITY_NULLS),
        ("target_swap", domain, SIMILARITY, 0, 0.05 * place),
        *(
            ("cascade", domain, SIMILARITY, step, 1 - step / n_layers + noise)
            for step in range(1, n_layers + 1)
        ),
        ("cascade", domain, AREA, n_layers, 0.4 + noise),
        ("cascade", domain, FIRST_BELOW, n_layers, n_layers // 2 + 1),
    ]
    table = pd.DataFrame(rows, columns=["check", "domain", "metric", "step", "mean"])
    known = {"accuracy": 0.9, "at_chance": False, "validity": "ok", "flags": "", "duplicate_of": ""}
    return table.assign(half_width=0.02, **axes, **known)


def as_tidy(parts):
    """One table of the columns ``TIDY`` from parts that may lack some."""
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return frame.reindex(columns=list(TIDY))
