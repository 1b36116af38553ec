"""A sweep's YAML file: finding and reading it, command-line overrides, errors in one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import sweeps
from eegxai.attribution import LIBRARIES
from eegxai.errors import sentence, short
from eegxai.registry import unknown_name
from sweeps.design.config import SweepConfig

SUFFIX = ".yaml"
_PACKAGE = Path(sweeps.__file__).parent
# Inside the package where it was installed from a wheel, beside it in a source tree.
INSTALLED = next(
    (folder for folder in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if folder.is_dir()),
    _PACKAGE / "conf",
)
CONFIGURATION_FOLDERS = (Path("conf"), Path(), INSTALLED)


class ConfigError(ValueError):
    """Bad input of the user, in one sentence; the command line exits with code 2."""


def load(path: str | Path, overrides: Sequence[str] = ()) -> SweepConfig:
    """Read a sweep's YAML file and apply overrides such as ``grid.snr_db=[-3.5,-12]``.

    Raises
    ------
    ConfigError
        One sentence naming the field, the value and what is allowed.
    """
    if not Path(path).exists():
        known = ", ".join(sorted(_known_configurations(CONFIGURATION_FOLDERS)))
        raise ConfigError(
            f"configuration {str(path)!r} cannot be read: there is no such file; known by name are "
            f"{known}"
        )
    values = read_yaml(Path(path))
    for override in overrides:
        _apply(values, override)
    try:
        return SweepConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(sentence(error, SweepConfig)) from error


def configuration_path(name: str) -> Path:
    """File of a configuration: a path with its suffix as it is, or the name of a known one.

    A name is looked up in ``conf`` of the working directory, then in the working directory, then
    among the configurations that are installed with this package.

    Raises
    ------
    ConfigError
        When no configuration has this name; says where it was looked up and which there are.
    """
    if Path(name).suffix in (SUFFIX, ".yml"):
        return Path(name)
    folders = CONFIGURATION_FOLDERS
    places = (*(folder / f"{name}{SUFFIX}" for folder in folders), Path(name))
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        raise ConfigError(_not_found(name, folders))
    return path


def _known_configurations(folders: Sequence[Path]) -> set[str]:
    """Names of the configurations in some folders."""
    return {path.stem for folder in folders for path in folder.glob(f"*{SUFFIX}")}


def _not_found(name: str, folders: Sequence[Path]) -> str:
    known = _known_configurations(folders)
    looked = ", ".join(str(folder.resolve()) for folder in folders)
    return f"{unknown_name('configuration', name, known)}; {name}{SUFFIX} was looked up in {looked}"


def read_yaml(path: Path, kind: str = "configuration") -> dict[str, Any]:
    """Fields of a YAML file; ``kind`` is what an error calls it.

    Raises
    ------
    ConfigError
        When it cannot be read or is no mapping.
    """
    try:
        values = values_of(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{kind} {str(path)!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise ConfigError(f"{kind} {str(path)!r} is not a text file in UTF-8") from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{kind} {str(path)!r} is not valid YAML: {_yaml_error_line(error)}{_about_tabs(error)}"
        ) from error
    if not isinstance(values, dict):
        holds = "holds nothing" if values is None else f"holds {short(values)} from line 1 on"
        raise ConfigError(f"{kind} {str(path)!r} {holds}, it must be a mapping of fields to values")
    return values


class _Loader(yaml.SafeLoader):
    """Safe, and refuses what the plain one takes in silence: a field that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Fields of a section; ``<<`` may be there beside the fields that it merges."""
        fields = [key.value for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if key.value in fields[:number]:
                place = f"line {key.start_mark.line + 1}"
                raise yaml.YAMLError(
                    f"the field {key.value!r} is there twice, the second time in {place}"
                )
        return super().construct_mapping(node, deep)


def values_of(text: str) -> Any:
    """What a YAML text holds.

    Raises
    ------
    yaml.YAMLError
        When it is not valid, or a section has a field twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None


def _yaml_error_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}: {getattr(error, 'problem', None) or 'it ends too early'}"


def _about_tabs(error: yaml.YAMLError) -> str:
    """What to write where a tab stands; YAML indents by spaces alone."""
    return "; indent by spaces instead of tabs" if "'\\t'" in str(error) else ""


def _apply(values: dict[str, Any], override: str) -> None:
    field, equals, text = override.partition("=")
    if not equals or not field:
        raise ConfigError(f"override {override!r} must have the form section.field=value")
    *sections, last = _path(field)
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"override {override!r}: {section!r} is a value, not a section")
    try:
        values[last] = values_of(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"override {override!r}: {text!r} is not a YAML value: {_yaml_error_line(error)}"
        ) from error


def _path(field: str) -> list[str]:
    """Sections of a field's name; the name of a library's method has a dot of its own."""
    path = field.split(".")
    if path[:2] == ["attribution", "per_method"] and path[2:3] and path[2] in LIBRARIES:
        path[2:4] = [".".join(path[2:4])]
    return path
