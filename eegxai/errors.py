"""Errors of a user in one sentence: the field, the value and what is allowed."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from eegxai.registry import unknown_name

UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
MISSING_FIELD = ("missing", "missing_argument", "missing_keyword_only_argument")
OWN_MESSAGE = ("value_error", "assertion_error")  # of a validator of this project, which words it
# What is needed, by the kind of error: pydantic's messages name types of Python.
NEEDED = {
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "multiple_of": "a multiple of {multiple_of:g}",
    "finite_number": "a finite number",
    "int_parsing_size": "a smaller number",
    "too_short": "a list of at least {min_length}",
    "missing": "a longer list",  # of one with a value for each place
    "too_long": "a list of at most {max_length}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "is_instance_of": "a {class}",
    "none_required": "no value",
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_unicode"), "text"),
    **dict.fromkeys(("tuple_type", "list_type", "iterable_type"), "a list such as [{input}]"),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"),
        "a mapping of fields to values",
    ),
}
# Names that pydantic gives to the members of a union, beside those with brackets.
UNION_MEMBERS = ("bool", "float", "int", "none", "str")
LONGEST_VALUE = 60  # characters of a value that are quoted


def sentence(error: ValueError, model: Any = None, owner: str = "") -> str:
    """One sentence for an error: one of pydantic's, or the message of any other.

    Of pydantic's it is the first, but an unknown field comes before all others: a field may be
    missing because its name is misspelt.

    Parameters
    ----------
    error : ValueError
        Such as a ``pydantic.ValidationError``.
    model : type, optional
        The pydantic model or dataclass that refused its values; an unknown field is then answered
        with the closest of the fields there are.
    owner : str
        Whose fields they are, where the field alone does not say it.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    details = _first_detail(error)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError):
        return sentence(cause, model, owner)
    field = _dotted(details["loc"])
    if details["type"] in UNKNOWN_FIELD:
        return _unknown(details, field, model)
    if details["type"] in MISSING_FIELD and isinstance(details["loc"][-1], str):
        return f"{field} is missing"
    named = f"{field}={short(details['input'])}" if field else short(details["input"])
    refused = f"{named} of {owner}" if owner else named
    if details["type"] in OWN_MESSAGE:
        return _own(str(cause), refused)
    return f"{refused} is not allowed{_needed(error, details)}"


def location(error: ValueError) -> tuple[str | int, ...]:
    """Where the value is that ``sentence`` is about: names of fields and places in lists.

    Empty where the error is none of pydantic's, or is about the whole.
    """
    return _first_detail(error)["loc"] if isinstance(error, ValidationError) else ()


def _dotted(loc: Sequence[int | str]) -> str:
    """Names of fields alone.

    Places in lists are pydantic's affair: the value says which one is meant. So are the names that
    it gives to the members of a union, such as ``tuple[str, ...]``.
    """
    return ".".join(part for part in loc if isinstance(part, str) and not _is_member(part))


def _is_member(part: str) -> bool:
    """Whether a part of a path is the name of a type, as of one member of a union."""
    return "[" in part or part.removeprefix("constrained-") in UNION_MEMBERS


def _first_detail(error: ValidationError) -> ErrorDetails:
    return min(error.errors(), key=lambda one: one["type"] not in UNKNOWN_FIELD)


def fields_of(model: Any) -> Mapping[str, Any]:
    """Fields of a pydantic model or dataclass by name; none of anything else."""
    return getattr(model, "model_fields", None) or getattr(model, "__pydantic_fields__", {})


def _unknown(details: ErrorDetails, field: str, model: Any) -> str:
    *parents, name = details["loc"]
    known = _fields_at(model, parents)
    if not known:
        return f"field {field} is unknown"
    section = _dotted(parents)
    kind = f"field {field}: in {section} the name" if parents else "field"
    return unknown_name(kind, name, known)


def _own(message: str, refused: str) -> str:
    """A validator's message; one that begins with a verb has the field before it."""
    return f"{refused} {message}" if message.startswith(("is ", "holds ")) else message


def _needed(error: ValidationError, first: ErrorDetails) -> str:
    """What is needed instead of a value, of a union what each of its members needs."""
    *place, last = first["loc"] or ("",)
    of_a_union = isinstance(last, str) and _is_member(last)
    alike = [one for one in error.errors() if of_a_union and list(one["loc"][:-1]) == place]
    needs = [_need(one) for one in alike or [first]]
    told = " or ".join(dict.fromkeys(filter(None, needs)))
    return f": {told} is needed" if told else ""


def _need(details: ErrorDetails) -> str:
    """What one kind of error says is needed; empty where it says nothing that people would ask."""
    told = {"input": short(details["input"]), **details.get("ctx", {})}
    return NEEDED.get(details["type"], "").format(**told)


def gigabytes(n_bytes: float) -> str:
    """A size as a sentence has it, without an exponent.

    Examples
    --------
    >>> gigabytes(1.5e9), gigabytes(1.31e12)
    ('1.5 GB', '1,310 GB')
    """
    size = n_bytes / 1e9
    return f"{size:,.0f} GB" if size >= 100 else f"{size:.3g} GB"


def one_line(error: BaseException) -> str:
    """The first line of what an error says, with single spaces; its kind where it says nothing.

    Examples
    --------
    >>> one_line(OSError("no  answer")), one_line(OSError())
    ('no answer', 'OSError')
    """
    return " ".join(str(error).strip().partition("\n")[0].split()) or type(error).__name__


def short(value: object) -> str:
    """A value as a sentence quotes it: in one line, and of a long one the beginning."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _fields_at(model: Any, path: Sequence[int | str]) -> list[str]:
    """Field names of the part of a model that a path leads to."""
    for part in path:
        if str(part) not in fields_of(model):  # a name of the user's, the key of a mapping
            continue
        annotation = fields_of(model)[str(part)].annotation
        model = next((a for a in get_args(annotation) if fields_of(a)), annotation)
    return list(fields_of(model))
