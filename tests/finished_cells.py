"""Finished cells with made-up scores, no training: what tables and MLflow are filled with."""

import numpy as np
import pandas as pd
import torch

from eegxai.attribution import Validity
from eegxai.evaluation import SIMILARITY_NULLS, Explanation, choose_examples
from eegxai.head import montage_info
from eegxai.simulation import DataSpec
from sweeps.store.artefacts import Store
from sweeps.store.records import MethodScores, TrainedDecoder

N_STEPS, N_TRIALS = 4, 8
COUNTED = {"n_trials": N_TRIALS, "n_valid": N_TRIALS - 1, "n_zero_rows": 0}
TRUTH = ("mass_clipped", "auprc_magnitude", "cosine_clipped")
SIMILAR = ("pearson_raw", "ssim_minmax")
RECORD = {"at_chance": False, "seconds": 2.0, "finished": 1e9, "versions": {"torch": "2"}}


def scores_table(seed=0):
    """Random means of the study's checks on both domains."""
    checks = [("ground_truth", 0, TRUTH), ("same_spectrum", 0, TRUTH)]
    checks += [(control, 0, TRUTH) for control in ("input_magnitude", "untrained")]
    checks += [(check, 0, SIMILAR) for check in SIMILARITY_NULLS]
    checks += [("target_swap", 1, SIMILAR)]
    checks += [("cascade", step, SIMILAR) for step in range(1, N_STEPS + 1)]
    rows = [
        {"check": check, "step": step, "domain": domain, "metric": metric}
        for check, step, metrics in checks
        for domain in ("channel_time", "topography")
        for metric in metrics
    ]
    rows += [{"check": "ground_truth", "step": 0, "domain": "channel", "metric": "used_pearson"}]
    random = np.random.default_rng(seed)
    table = pd.DataFrame(rows).assign(mean=random.random(len(rows)), std=0.1, **COUNTED)
    truth = table["metric"].isin(TRUTH)
    efficiency, difference = random.random((2, len(rows)))
    return table.assign(
        efficiency=np.where(truth, efficiency, np.nan),
        efficiency_std=0.1,
        difference=np.where(truth & (table["check"] != "ground_truth"), difference, np.nan),
        difference_std=0.1,
        n_both=N_TRIALS,
    )


OK = Validity("ok")


def method_scores(seed=0, validity=OK, empty=False):
    table = scores_table(seed)
    return MethodScores(
        table=table.head(0) if empty else table, validity=validity, accuracy=0.75, **RECORD
    )


def trained():
    history = [
        {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 1.0} for epoch in (1, 2)
    ]
    return TrainedDecoder(
        weights={"w": torch.ones(2)},
        history=history,
        accuracy=0.75,
        confusion=[[3, 1], [1, 3]],
        **RECORD,
    )


def example_maps():
    random = torch.Generator().manual_seed(0)
    said = Explanation(torch.randn(N_TRIALS, 62, 50, generator=random))
    truth = torch.randn(N_TRIALS, 62, 50, generator=random)
    target = torch.arange(N_TRIALS) % 4
    places = np.arange(N_TRIALS)
    data = DataSpec(feature="temporal", snr_db=0, n_trials=N_TRIALS, seed=0)
    return choose_examples(said, truth, target, places, montage_info(250.0), data, 0.05)


def filled_store(folder, decoders, methods):
    """A store with made-up results of cells, the first method's example maps among them."""
    store = Store(str(folder))
    fill(store, decoders, methods)
    store.write_maps(methods[0], example_maps())
    return store


def fill(store, decoders=(), methods=()):
    """Store made-up results of cells."""
    for cell in decoders:
        store.write_decoder(cell, trained())
    for seed, cell in enumerate(methods):
        store.write_scores(cell, method_scores(seed))
