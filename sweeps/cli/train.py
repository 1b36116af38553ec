"""``eegxai train``: one decoder of a sweep, watched while it learns."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sweeps.cli.common import (
    Arguments,
    check_here,
    configuration,
    terminal,
    usage_error,
)
from sweeps.design.cells import DecoderCell, decoder_cells
from sweeps.design.config import SweepConfig
from sweeps.report.terminal import print_sentence
from sweeps.store.artefacts import Store, store_of
from sweeps.store.records import TrainedDecoder
from sweeps.tasks.data import is_done
from sweeps.tasks.train import train_decoder


def train(arguments: Arguments = None) -> None:
    """Train one decoder exactly as a sweep would, and keep it in the same store.

    Overrides choose it: eegxai train quickstart grid.feature=temporal. An interrupted training is
    resumed; the results of a finished one are shown.
    """
    config = configuration(arguments)
    check_here(config)
    cell, console = _only_decoder(config), terminal()
    store = store_of(config)
    print_sentence(console, cell.title)
    device = "cuda" if config.resources.train.gpu else "cpu"
    done = is_done(cell, store)
    steps = config.resources.train.steps
    trained = store.read_decoder(cell) if done else _trained(cell, store, device, steps, console)
    _print_result(console, cell, trained)


def _only_decoder(config: SweepConfig) -> DecoderCell:
    cells = list(decoder_cells(config))
    if len(cells) > 1:
        raise usage_error(
            f"{config.name!r} has {len(cells)} decoders, and this command trains one: choose it "
            "with overrides such as grid.feature=temporal grid.seed=0"
        )
    return cells[0]


def _trained(
    cell: DecoderCell, store: Store, device: str, steps: str, console: Console
) -> TrainedDecoder:
    columns = (TextColumn("epoch"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    note = TextColumn("{task.description}")
    with Progress(*columns, note, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=cell.training.epochs)

        def on_epoch(epoch: dict[str, float]) -> None:
            text = _described(epoch)
            bar.update(task, completed=epoch["epoch"] + 1, description=text)
            if not console.is_terminal:
                print_sentence(console, text)

        return train_decoder(cell, store, device, on_epoch, steps)


def _described(epoch: dict[str, float]) -> str:
    return (
        f"epoch {epoch['epoch'] + 1:.0f}: loss {epoch['train_loss']:.3f}, validation loss "
        f"{epoch['validation_loss']:.3f}, accuracy {epoch['validation_accuracy']:.3f}"
    )


def _print_result(console: Console, cell: DecoderCell, trained: TrainedDecoder) -> None:
    names = cell.data.feature_type.class_names
    shown = Table(title="test trials", title_justify="left", box=None)
    shown.add_column("true class")
    for name in names:
        shown.add_column(f"as {name}", justify="right")
    for name, counts in zip(names, trained.confusion, strict=True):
        shown.add_row(name, *map(str, counts))
    console.print(shown)
    chance = ", no better than chance" if trained.at_chance else ""
    print_sentence(
        console,
        f"accuracy {trained.accuracy:.3f} of {trained.n_test} test trials{chance}; "
        f"{len(trained.history)} epochs, {trained.seconds:.0f} s",
    )
