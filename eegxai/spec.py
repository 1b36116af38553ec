"""The one way to declare a specification: frozen, with unknown fields refused, normalised."""

from typing import TypeVar, dataclass_transform

import pydantic.dataclasses
from pydantic import ConfigDict

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def spec(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen pydantic dataclass that refuses unknown fields.

    pydantic and not stdlib dataclasses, because ``-5`` and ``-5.0`` must be the same value
    (and so give the same key), and because YAML reads ``1e-3`` as a string.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False)
    return pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=config)(cls)  # type: ignore[return-value]
