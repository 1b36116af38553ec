"""Draw the README's picture from the quickstart sweep (run ``eegxai sweep`` first).

Ground truth beside three methods' maps: class averages over the test trials of the spatial
decoder's left class that it classifies correctly.
"""

from pathlib import Path

import torch

from eegxai.attribution import attribute
from eegxai.decoders import build, predict, split_trials
from eegxai.figures import topographies
from eegxai.simulation import simulate_spec
from sweeps.design.cells import decoder_cells
from sweeps.design.config_file import load
from sweeps.scores.words import line_of_decoder
from sweeps.store.artefacts import Store

ROOT = Path(__file__).parents[1]
METHODS = ("DeepLift", "Gradient", "Saliency")
LEFT = 0


def main() -> None:
    """Write docs/img/topographies.png."""
    config = load(ROOT / "conf" / "quickstart.yaml")
    cell = next(cell for cell in decoder_cells(config) if cell.data.feature == "spatial")
    eeg = simulate_spec(cell.data)
    decoder = build(cell.architecture, *eeg.x.shape[1:], eeg.n_classes, eeg.info["sfreq"])
    store = Store(str(Path(config.output).resolve() / "store"))
    trained = store.read_decoder(cell)
    decoder.load_state_dict(trained.weights)
    test = split_trials(eeg.y, cell.fold, cell.training.n_folds, cell.data.seed).test
    x, y = torch.from_numpy(eeg.x[test]), torch.from_numpy(eeg.y[test])
    shown = (y == LEFT) & (predict(decoder, x).argmax(1) == y)
    maps = {"planted signal": abs(eeg.ground_truth[test][shown.numpy()]).mean((0, 2))}
    for method in METHODS:
        maps[method] = attribute(method, decoder, x[shown], y[shown]).mean((0, 2)).numpy()
    picture = ROOT / "docs" / "img" / "topographies.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    title = (
        f"Means over time and over {int(shown.sum())} test trials of the class "
        f"{eeg.class_names[LEFT]} (planted signal: mean magnitude).\n"
        f"{line_of_decoder(cell, trained.accuracy, trained.at_chance)}"
    )
    topographies(maps, eeg.info, title).savefig(picture, dpi=130)


if __name__ == "__main__":
    main()
