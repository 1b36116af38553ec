"""``eegxai methods``: the attribution methods there are."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eegxai.attribution import (
    CONTROLS,
    LIBRARIES,
    METHODS,
    Method,
    find,
    options_of,
    without_groups,
)
from sweeps.cli.common import Json, errors_in_one_sentence, print_json, terminal

MethodNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Methods to list: names, a group such as study, or a library's method such as "
        "captum.Occlusion; all by default.",
        show_default=False,
    ),
]


def methods(names: MethodNames = None, as_json: Json = False) -> None:
    """List the attribution methods with their groups, options and defaults, and what they compute.

    Your own methods appear here once their package is installed (docs/methods.md).
    """
    with errors_in_one_sentence():
        found = {name: find(name) for name in without_groups(names or (*METHODS, *CONTROLS))}
    if as_json:
        listed = [_method_document(name, method) for name, method in found.items()]
        libraries = {name: library.standard for name, library in LIBRARIES.items()}
        print_json({"command": "methods", "methods": listed, "libraries": libraries})
        return
    console = terminal()
    console.print(_table(found))
    if not names:
        _print_libraries(console)
    console.print("every method: chunk=8 (trials computed at a time)", style="dim")


def _table(found: dict[str, Method]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("method", no_wrap=True)
    shown.add_column("group")
    shown.add_column("what it computes")
    shown.add_column("options", no_wrap=True)
    for name, method in found.items():
        given = options_of(name).items()
        options = [f"{option}={value}" for option, value in given if option != "chunk"]
        shown.add_row(name, method.group, _what(method), "\n".join(options))
    return shown


def _what(method: Method) -> str:
    """What it computes, in its own words."""
    return (method.function.__doc__ or "").strip().partition("\n")[0]


def _method_document(name: str, method: Method) -> dict[str, Any]:
    """A method for scripts."""
    what = {"name": name, "group": method.group, "computes": _what(method)}
    return {**what, "options": options_of(name)}


def _print_libraries(console: Console) -> None:
    """The methods that stand for other libraries; naming them imports nothing."""
    for name, library in LIBRARIES.items():
        listed = ", ".join(own.removeprefix(f"{name}.") for own in library.standard)
        console.print(f"group {name} ({name}.METHOD): {listed}", style="dim")
