"""``eegxai methods``: the attribution methods there are."""

from rich.table import Table

from eegxai.attribution import CONTROLS, LIBRARIES, METHODS, options_of
from sweeps.cli.common import terminal


def methods() -> None:
    """List the attribution methods: their groups, options, defaults and what they compute.

    Your own methods appear here once their package is installed (docs/methods.md).
    """
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("method", no_wrap=True)
    shown.add_column("group")
    shown.add_column("what it computes")
    shown.add_column("options", no_wrap=True)
    for name, method in (METHODS | CONTROLS).items():
        given = options_of(name).items()
        options = [f"{option}={value}" for option, value in given if option != "chunk"]
        what = (method.function.__doc__ or "").strip().partition("\n")[0]
        shown.add_row(name, method.group, what, "\n".join(options))
    console = terminal()
    console.print(shown)
    for name, library in LIBRARIES.items():
        listed = ", ".join(own.removeprefix(f"{name}.") for own in library.standard)
        console.print(f"\ngroup {name}, from that library as {name}.METHOD: {listed}", style="dim")
    console.print("every method: chunk=8, trials at a time", style="dim")
