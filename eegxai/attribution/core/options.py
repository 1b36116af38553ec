"""Options of a method: the keyword-only parameters of its function, checked before it runs."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, create_model

from eegxai.errors import sentence
from eegxai.registry import unknown_name
from eegxai.spec import numbers_alone

DEFAULT_CHUNK = 8  # on a CPU small chunks are also the fast ones: they stay in its cache
# A GPU takes more at a time, for which it has the memory: passes of few trials leave it idle.
TIMES_THE_CHUNK = {"cuda": 32}
N_REFERENCES = 16  # trials that methods are given to compare with
REFERENCES = "references"  # the one keyword that is no option but data


def takes_references(function: Callable[..., Any]) -> bool:
    """Whether a method compares with reference trials."""
    return REFERENCES in inspect.signature(function).parameters


def needs_references(function: Callable[..., Any]) -> bool:
    """Whether a method cannot do without reference trials."""
    parameter = inspect.signature(function).parameters.get(REFERENCES)
    return parameter is not None and parameter.default is inspect.Parameter.empty


@cache
def options_model(function: Callable[..., Any]) -> type[BaseModel]:
    """Pydantic model of a method's options and of ``chunk``, the trials at a time."""
    hints = get_type_hints(function, include_extras=True)
    own: dict[str, Any] = {
        name: (numbers_alone(hints.get(name, Any)), parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != REFERENCES
    }
    own = {"chunk": (numbers_alone(PositiveInt), DEFAULT_CHUNK), **own}
    config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    return create_model("Options", __config__=config, **own)


def resolved(name: str, function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a method, those not given at their defaults.

    Raises
    ------
    ValueError
        When an option is unknown or its value is not allowed.
    """
    model = options_model(function)
    for unknown in given.keys() - model.model_fields:
        raise ValueError(unknown_name(f"option of {name}", unknown, model.model_fields))
    try:
        return model(**given).model_dump()
    except ValidationError as error:
        raise ValueError(sentence(error, model, name)) from None
