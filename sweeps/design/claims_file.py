"""Files of claims: found by name or path, read as plain values."""

from pathlib import Path
from typing import Any

from eegxai.registry import unknown_name
from sweeps.design.config_file import INSTALLED, SUFFIX, ConfigError, read_yaml

CLAIMS = "claims"  # folder of conf/
DEFAULT_CLAIMS = "sujatha-ravindran-2023"


def read_claims(name: str = DEFAULT_CLAIMS) -> dict[str, Any]:
    """Content of a file of claims: a path with its suffix, or a name in ``conf/claims``.

    Raises
    ------
    ConfigError
        When there is no such file, or it is not YAML.
    """
    if Path(name).suffix in (SUFFIX, ".yml"):
        return read_yaml(Path(name))
    folders = (Path("conf") / CLAIMS, INSTALLED / CLAIMS)
    known = {path.stem: path for folder in reversed(folders) for path in folder.glob(f"*{SUFFIX}")}
    if name not in known:
        raise ConfigError(f"{unknown_name('--claims', name, known)}, or the path of a YAML file")
    return read_yaml(known[name])
