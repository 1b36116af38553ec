"""Everything a GPU would run, on a device that is another than the CPU in all but hardware."""

from itertools import groupby, product
from operator import itemgetter

import pandas as pd
import pytest
import torch

from eegxai.attribution import METHODS, NotApplicable, attribute
from eegxai.decoders import DECODERS, initialised
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import Store, store_of
from sweeps.tasks.explain import explain_cell
from sweeps.tasks.train import train_decoder
from tests.helpers import FEW_PASSES
from tests.sweeps.processes import own_process

pytestmark = pytest.mark.slow
# Forward-mode derivatives of layer normalisation and LSTMs read the memory of the device itself.
CANNOT = {(name, "CompleteFullGrad") for name in ("atcnet", "eegconformer", "deepsleepnet")}
ELSEWHERE = "elsewhere"
# These pass every architecture. Methods of many passes do the same on all of them, and the others
# go through a decoder as one of these does.
EVERYWHERE = {"Gradient", "GuidedBackprop", "DeepLift", "LRP", "GradCAM", "FullGrad"}
EVERYWHERE |= {"CompleteFullGrad", "GuidedGradCAM"}
CASES = [
    (architecture, name)
    for architecture, name in product(DECODERS, METHODS)
    if (architecture, name) not in CANNOT
    and (name in EVERYWHERE or architecture in ("deepnet", "atcnet"))
]


@pytest.fixture(scope="module")
def on_another_device():
    """What calls a function where the device is known, before torch first computes a gradient."""
    with own_process("tests.elsewhere") as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def refused():
    """What the device says to code that would fail on a GPU."""
    there, here = torch.ones(2, device=ELSEWHERE), torch.ones(2)
    attempts = (
        lambda: there + here,
        lambda: torch.where(there > 0, there, here),
        lambda: torch.randn(2, device=ELSEWHERE, generator=torch.Generator()),
        there.numpy,
    )
    return [words_of(attempt) for attempt in attempts]


def words_of(attempt):
    with pytest.raises((RuntimeError, TypeError)) as error:
        attempt()
    return str(error.value)


def test_the_device_does_not_mix_with_the_cpu(on_another_device):
    told = on_another_device(refused)
    assert all(ELSEWHERE in words for words in told[:3])
    assert "numpy() is not supported" in told[3]


def differences():
    """Largest difference between both devices' maps, over the map's peak, by decoder and method."""
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    x, references = (torch.randn(n, 8, 250, generator=draw) for n in (2, 2))
    target = torch.arange(2)
    there = [tensor.to(ELSEWHERE) for tensor in (x, target, references)]
    found = {}
    for architecture, cases in groupby(CASES, itemgetter(0)):
        one, other = (initialised(architecture, 8, 250, 4, 250.0, 0).eval() for _ in range(2))
        other.to(ELSEWHERE)
        for case in cases:
            pair = (one, x, target, references), (other, *there)
            found[case] = difference(case[1], *pair)
    return found


def difference(name, here, there):
    maps = [explained(name, *given) for given in (here, there)]
    if None in maps:
        return 0.0 if maps == [None, None] else float("nan")
    assert maps[1].device.type == ELSEWHERE
    return float((maps[0] - maps[1].cpu()).abs().max() / maps[0].abs().max().clip(1e-30))


def explained(name, decoder, x, target, references):
    options = FEW_PASSES.get(name, {})
    try:
        return attribute(name, decoder, x, target, references=references, **options)
    except NotApplicable:
        return None


def test_methods_give_the_same_maps_on_another_device(on_another_device):
    found = on_another_device(differences)
    assert list(found) == CASES
    assert {case: size for case, size in found.items() if not size < 1e-4} == {}


def scored(path):
    """Scores of methods on both devices, of a decoder that was trained elsewhere."""
    given = ["grid.seed=0", "grid.method=[ScoreCAM,IntegratedGradients]"]
    given += ["attribution.steps=3"]
    config = load(path, [*given, f"output={path.parent}"])
    (cell,), methods = decoder_cells(config), method_cells(config)
    trained = train_decoder(cell, store_of(config), ELSEWHERE, steps="graphs")
    return [scores_on(d, path.parent, cell, trained, methods) for d in ("cpu", ELSEWHERE)]


def scores_on(device, folder, cell, trained, methods):
    store = Store(str(folder / device))
    store.write_decoder(cell, trained)
    for method in methods:
        explain_cell(method, store, device)
    return {method.method: store.read_scores(method) for method in methods}


def test_a_cell_is_trained_and_scored_on_another_device(on_another_device, tiny_file):
    here, there = on_another_device(scored, tiny_file)
    for method, scores in here.items():
        assert scores.validity.status == there[method].validity.status
        assert len(scores.table) > 100
        pd.testing.assert_frame_equal(scores.table, there[method].table, rtol=1e-5, atol=1e-5)
