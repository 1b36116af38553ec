"""Files of claims: found by name or path, read as plain values."""

from pathlib import Path
from typing import Any

from eegxai.registry import unknown_name
from sweeps.design.config_file import SUFFIX, ConfigError, read_yaml

# Beside this file and not in conf/, which a submitted job's tree may lack: every sweep needs them.
OWN, USERS = Path(__file__).parent / "claims", Path("conf") / "claims"
DEFAULT_CLAIMS = "sujatha-ravindran-2023"


def read_claims(name: str = DEFAULT_CLAIMS) -> dict[str, Any]:
    """Content of a file of claims: a path with its suffix, or a name of ours or in conf/claims.

    Raises
    ------
    ConfigError
        When there is no such file, or it is not YAML.
    """
    if Path(name).suffix in (SUFFIX, ".yml"):
        return read_yaml(Path(name), "claims")
    known = {path.stem: path for folder in (OWN, USERS) for path in folder.glob(f"*{SUFFIX}")}
    if name not in known:
        raise ConfigError(f"{unknown_name('--claims', name, known)}, or the path of a YAML file")
    return read_yaml(known[name], "claims")
