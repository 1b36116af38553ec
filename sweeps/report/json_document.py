"""What a command found as one JSON document, for scripts."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


def to_json(document: Mapping[str, Any]) -> str:
    """A document as JSON: tables as lists of rows, numbers that are not finite as null.

    Parameters
    ----------
    document : mapping
        Of tables, dataclasses, paths, mappings, sequences, text and numbers.

    Examples
    --------
    >>> print(to_json({"p": float("nan"), "rows": pd.DataFrame({"seed": [0]})}))
    {
      "p": null,
      "rows": [
        {
          "seed": 0
        }
      ]
    }
    """
    return json.dumps(_json_value(document), indent=2, ensure_ascii=False, allow_nan=False)


def _json_value(value: Any) -> Any:
    """Of the values that JSON has."""
    if isinstance(value, pd.DataFrame):
        return _json_value(value.to_dict("records"))
    if is_dataclass(value) and not isinstance(value, type):
        return _json_value(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json_value(one) for one in value]
    return _plain_number(value.item() if isinstance(value, np.generic) else value)


def _plain_number(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
