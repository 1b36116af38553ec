"""The one way to declare a specification: frozen, with unknown fields refused, normalised.

And what fields have in common: ranges, numbers that are no truth values, lists that are no sets.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, dataclass_transform, get_args, get_origin

import pydantic.dataclasses
from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from eegxai.errors import fields_of, sentence, short

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def spec(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen pydantic dataclass that refuses unknown fields, in one sentence.

    pydantic and not stdlib dataclasses, because ``-5`` and ``-5.0`` must be the same value
    (and so give the same key), and because YAML reads ``1e-3`` as a string.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False)
    cls.__annotations__ = {name: numbers_alone(hint) for name, hint in cls.__annotations__.items()}
    made = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=config)(cls)
    made.__init__ = _in_one_sentence(made)  # type: ignore[method-assign]
    return made  # type: ignore[return-value]


def _in_one_sentence(cls: Any) -> Callable[..., None]:
    """The ``__init__`` of a specification, with errors as the command line words them."""
    init = cls.__init__

    @wraps(init)
    def checked(self: Any, *unnamed: Any, **fields: Any) -> None:
        if unnamed:
            raise ValueError(
                f"{short(unnamed[0])} has no name: {cls.__name__} takes its fields by name, "
                f"{', '.join(fields_of(cls))}"
            )
        try:
            init(self, **fields)
        except ValidationError as error:
            raise ValueError(sentence(error, cls)) from None

    return checked


def within(lowest: float, highest: float, unit: str = "") -> AfterValidator:
    """Validator of a number that must lie between two others, both allowed."""

    def check(value: float) -> float:
        if not lowest <= value <= highest:
            allowed = f"{lowest:g} to {highest:g} {unit}".rstrip()
            raise ValueError(f"is out of range; allowed are {allowed}")
        return value

    return AfterValidator(check)


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is a truth value and not a number")
    return value


def _no_set(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        raise ValueError("is a set, which has no order; a list is needed")
    return value


NUMBER = BeforeValidator(_no_truth_value)  # pydantic takes True for 1
ORDERED = BeforeValidator(_no_set)  # pydantic takes a set for a tuple, in an order of its own


def numbers_alone(hint: Any) -> Any:
    """A type as it is, or one that takes no truth value where it is one of numbers."""
    members = _members(hint)
    return Annotated[hint, NUMBER] if {int, float} & members and bool not in members else hint


def _members(hint: Any) -> set[Any]:
    """The types that a union or an annotated type stands for."""
    if get_origin(hint) is Annotated:
        return _members(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return set().union(*map(_members, get_args(hint)))
    return {get_origin(hint) or hint}


def by_name(model: type, kind: str) -> BeforeValidator:
    """Validator of a tuple of specs with a ``name``, which may be given as a mapping by name.

    Errors say which of them is wrong. ``kind`` is what one of them is called.
    """
    read: Callable[[Any], Any] = TypeAdapter(model).validate_python

    def one(fields: Any) -> Any:
        if isinstance(fields, model):
            return fields
        if not isinstance(fields, Mapping):
            raise ValueError(f"{kind} {fields!r} is not allowed, a mapping of its fields is needed")
        name = fields.get("name")
        try:
            return read(fields)
        except ValidationError as error:
            raise ValueError(f"{kind} {name!r}: {sentence(error, model)}") from error

    def each(value: Any) -> Any:
        if isinstance(_no_set(value), Mapping):
            value = [_fields_with_name(kind, name, fields) for name, fields in value.items()]
        return [one(fields) for fields in value] if isinstance(value, list | tuple) else value

    return BeforeValidator(each)


def _fields_with_name(kind: str, name: object, fields: Any) -> dict[str, Any]:
    """Fields with their name; nothing after the colon in YAML means no fields."""
    if not isinstance(fields, Mapping | None):
        raise ValueError(f"{kind} {name!r} is {fields!r}, but a mapping of its fields is needed")
    return {"name": str(name), **(fields or {})}
