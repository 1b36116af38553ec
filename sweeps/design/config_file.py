"""A sweep's YAML file: reading it, command-line overrides, and errors in one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from eegxai.registry import unknown_name
from sweeps.design.config import SweepConfig, fields_of


class ConfigError(ValueError):
    """Bad input of the user, told in one sentence; the command line exits with code 2."""


def load(path: str | Path, overrides: Sequence[str] = ()) -> SweepConfig:
    """Read a sweep's YAML file and apply overrides such as ``grid.snr_db=[-3.5,-12]``.

    Raises
    ------
    ConfigError
        One sentence naming the field, the value and what is allowed.
    """
    values = _read_yaml(Path(path))
    for override in overrides:
        _apply(values, override)
    try:
        return SweepConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0])) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"configuration {str(path)!r} cannot be read: {error.strerror}"
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"configuration {str(path)!r} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"configuration {str(path)!r} must be a mapping of fields to values")
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    field, equals, text = override.partition("=")
    if not equals or not field:
        raise ConfigError(f"override {override!r} must have the form section.field=value")
    *sections, last = field.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"override {override!r}: {section!r} is a value, not a section")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {override!r}: {text!r} is not a YAML value") from error


def _sentence(error: ErrorDetails) -> str:
    """One sentence of a pydantic error: the field, the value and what is allowed."""
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        *parents, name = error["loc"]
        section = ".".join(map(str, parents)) or "configuration"
        return unknown_name(f"field {field}: in {section} the name", name, _fields_at(parents))
    if error["type"] in ("missing", "missing_argument"):
        return f"{field} is missing"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error":
        return f"{field}={error['input']!r} is not allowed: {message}"
    needs_field = message.startswith(("is ", "holds "))
    return f"{field}={_short(error['input'])} {message}" if needs_field else message


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields_at(path: Sequence[int | str]) -> list[str]:
    """Field names of the part of the configuration that a path leads to."""
    model: Any = SweepConfig
    for part in path:
        if str(part) not in fields_of(model):  # a name of the user's, the key of a mapping
            continue
        annotation = fields_of(model)[str(part)].annotation
        model = next((a for a in get_args(annotation) if fields_of(a)), annotation)
    return list(fields_of(model))
