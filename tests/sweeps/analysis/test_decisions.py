"""Verdicts are about decisions: what is added to all logits moves none, but moves a logit's map."""

from copy import deepcopy
from functools import partial

import pytest
import torch

from eegxai.attribution import Validity, attribute
from eegxai.evaluation import EvaluationSpec, evaluate
from eegxai.simulation import simulate
from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import PROPERTIES, judged
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.scores.table import tidy_scores
from sweeps.store.records import MethodScores
from tests.finished_cells import RECORD
from tests.helpers import N_CLASSES, Layers

METHODS = ["InputXGradient", "Gradient", "Saliency"]


@pytest.fixture(scope="module")
def eeg():
    return simulate("temporal", snr_db=-3.5, seed=0, n_trials=8)


def verdicts(cells, decoder, eeg, output):
    """States of each method's properties on a decoder, from scores as a sweep would have them."""
    x, signal = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    with torch.no_grad():
        target = decoder(x).argmax(1)
    pairs = []
    for cell in cells:
        explain = partial(attribute, cell.method, output=output)
        of = (explain, decoder, x, target, signal, N_CLASSES, eeg.info, 4)
        table = evaluate(*of, EvaluationSpec(n_trials=6))
        record = MethodScores(table=table, validity=Validity("ok"), accuracy=1.0, **RECORD)
        pairs.append((cell, record))
    table = judged(headline(tidy_scores(pairs))).set_index("method")
    return table[["verdict", *(one.column for one in PROPERTIES)]].to_dict("index")


@pytest.mark.slow
def test_what_is_added_to_all_logits_moves_no_verdict(tiny_file, eeg):
    cells = list(method_cells(load(tiny_file, [f"grid.method=[{','.join(METHODS)}]"])))[:3]
    assert [cell.method for cell in cells] == METHODS
    torch.manual_seed(0)
    decoder = Layers(eeg.x[0].size).eval()
    shifted = deepcopy(decoder)
    with torch.no_grad():
        for value in shifted.readout.parameters():
            value += 5 * value[:1]  # of the first logit, the same in all: no probability changes
    before, after = (verdicts(cells, one, eeg, "contrast") for one in (decoder, shifted))
    assert before == after
    logits = [verdicts(cells[:1], one, eeg, "logit") for one in (decoder, shifted)]
    assert logits[0] != logits[1]
