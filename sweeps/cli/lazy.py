"""A group of commands whose modules are imported when a command is run, not when it is listed.

``--help`` of the group and the completion of its commands' names need a line for each command and
nothing of what the command computes with. Typer's groups hold whole commands, so that this one
holds stand-ins made of those lines, and replaces the one that is called by the command itself.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class LazyCommand:
    """A command before its module is imported.

    Attributes
    ----------
    target : str
        ``MODULE:FUNCTION``.
    summary : str
        First line of the function's docstring, for lists of commands.
    """

    target: str
    summary: str

    def loaded(self, name: str) -> Any:
        """The command as typer makes it of its function."""
        module, _, function = self.target.partition(":")
        app = typer.Typer(add_completion=False)
        app.command(name)(getattr(import_module(module), function))
        return typer.main.get_command(app)


def lazy_group(commands: dict[str, LazyCommand]) -> type[TyperGroup]:
    """Class of a group of these commands, in the order of ``--help``."""

    class LazyGroup(TyperGroup):
        """Holds stand-ins; the command that is called is imported."""

        def __init__(self, **attributes: Any) -> None:
            attributes["commands"] = {
                name: TyperCommand(name, help=command.summary) for name, command in commands.items()
            }
            super().__init__(**attributes)

        # Any: the classes are click's own or typer's copy of them, by typer's version.
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """Name, command and its arguments; here the command is imported."""
            name, command, rest = super().resolve_command(ctx, args)
            return name, commands[name].loaded(name) if name else command, rest

    return LazyGroup
