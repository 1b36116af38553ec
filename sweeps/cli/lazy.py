"""A group of commands whose modules are imported when a command is run, not when it is listed.

``--help`` of the group and the completion of its commands' names need a line for each command and
nothing of what the command computes with. Typer's groups hold whole commands, so that this one
holds stand-ins made of those lines, and replaces the one that is called by the command itself.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

log = logging.getLogger(__name__)

HELP_NAMES = {"help_option_names": ["--help", "-h"]}  # of the group and of each command


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
        command = refusals_told(getattr(import_module(module), function))
        app.command(name, context_settings=HELP_NAMES)(command)
        return typer.main.get_command(app)


def refusals_told(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, which ends in one sentence where the system or a bucket refuses something.

    What it must have cannot be read or written then, which is no fault of this program: a
    traceback would not help. The log has it.
    """

    @wraps(command)
    def told(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except BrokenPipeError:  # whoever reads the output has seen enough
            raise
        except OSError as error:
            from sweeps.cli.common import usage_error  # imports torch, as the command has by now

            log.info("the command ended", exc_info=True)
            raise usage_error(refusal(error)) from None

    return told


def refusal(error: OSError) -> str:
    """What the system refuses and why, in one sentence."""
    if error.filename is None:
        from eegxai.errors import one_line  # imports pydantic, as the command has by now

        kind, text = type(error).__name__, one_line(error)
        told = error.strerror or type(error) is OSError or text == kind
        return text if told else f"{kind}: {text}"
    return f"{str(error.filename)!r} cannot be used: {error.strerror}"


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
