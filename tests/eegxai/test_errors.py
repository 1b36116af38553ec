"""A mistake is one sentence: the field, the value and what is allowed."""

import dataclasses
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    field_validator,
)

import eegxai
from eegxai.errors import sentence
from eegxai.registry import unknown_name
from eegxai.simulation.regions import REGIONS
from eegxai.spec import spec


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: PositiveInt = 1
    names: tuple[str, ...] = ()

    @field_validator("names")
    @classmethod
    def _some(cls, names):
        if not names:
            raise ValueError("is empty, at least one value is needed")
        if "no" in names:
            raise ValueError("names='no' cannot be used")
        return names


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: dict[str, Inner]


def refusal(of, values, **options):
    with pytest.raises(ValidationError) as caught:
        of.model_validate(values)
    return sentence(caught.value, **options)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"number": 0}, "number=0 is not allowed: a number above 0 is needed"),
        ({"names": []}, "names=[] is empty, at least one value is needed"),
        ({"names": ["no"]}, "names='no' cannot be used"),
        ({"numbr": 1}, "field numbr is unknown"),
        ({"names": ["a", 1]}, "names=1 is not allowed: text is needed"),
        (
            {"number": -(10**400)},
            f"number=-1{55 * '0'}... is not allowed: a number above 0 is needed",
        ),
    ],
)
def test_a_value_that_is_refused(values, expected):
    assert refusal(Inner, values) == expected


def test_a_missing_field_and_the_closest_of_those_there_are():
    assert refusal(Outer, {}) == "inner is missing"
    told = refusal(Outer, {"inner": {"a": {"numbr": 1}}}, model=Outer)
    assert told.startswith("field inner.a.numbr: in inner.a the name 'numbr' is unknown; did you")
    assert "'number'" in told


def test_an_unknown_field_comes_before_the_one_that_is_missing_for_it():
    told = refusal(Outer, {"iner": {}}, model=Outer)
    assert told == "field 'iner' is unknown; did you mean 'inner'? (choices: inner)"
    assert refusal(Inner, {"number": 0, "nams": []}, model=Inner).startswith("field 'nams' is unkn")


def test_whose_field_it_is():
    told = refusal(Inner, {"number": 0}, owner="Saliency")
    assert told.startswith("number=0 of Saliency is not allowed")


def test_any_other_error_is_its_own_sentence():
    assert sentence(ValueError("no such thing")) == "no such thing"


def test_few_choices_are_all_listed_and_of_many_the_closest():
    few = unknown_name("region", "cunes", [*"abc", "cuneus"])
    assert few == "region 'cunes' is unknown; did you mean 'cuneus'? (choices: a, b, c, cuneus)"
    told = unknown_name("region", "precuneos", REGIONS)
    assert told.startswith(
        "region 'precuneos' is unknown; did you mean 'precuneus'? (closest of 88"
    )
    assert "precuneus_left" in told
    assert len(told) < 160


def test_without_a_close_choice_all_are_listed():
    assert "superior_parietal_right" in unknown_name("region", "xyz", REGIONS)


@spec
class Part:
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


@spec
class Whole:
    count: int
    name: str = "a"
    kind: Literal["tone", "peak"] = "tone"
    pair: tuple[float, float] = (0.0, 1.0)
    names: tuple[str, ...] = ()
    one_or_more: int | tuple[int, ...] | None = None
    there: bool = True
    part: Part = Part()
    parts: dict[str, Part] = dataclasses.field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 4:
            raise ValueError("name has at most four letters")
        return name


PYDANTICS = (
    "Input should", "Extra inputs", "Unexpected keyword", "Value error", "validation error",
    "pydantic", "type=", "\n",
)  # fmt: skip
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "count is missing"),
    ({"count": "many"}, "count='many' is not allowed: a whole number is needed"),
    ({"count": 1.5}, "count=1.5 is not allowed: a whole number is needed"),
    ({"count": None}, "count=None is not allowed: a whole number is needed"),
    ({"count": True}, "count=True is a truth value and not a number"),
    ({"cuont": 1}, "field 'cuont' is unknown; did you mean 'count'?"),
    ({"count": 1, "name": 3}, "name=3 is not allowed: text is needed"),
    ({"count": 1, "name": "abcde"}, "name has at most four letters"),
    ({"count": 1, "kind": "tune"}, "kind='tune' is not allowed: 'tone' or 'peak' is needed"),
    ({"count": 1, "pair": (1, float("nan"))}, "pair=nan is not allowed: a finite number is needed"),
    ({"count": 1, "pair": 1}, "pair=1 is not allowed: a list such as [1] is needed"),
    ({"count": 1, "pair": (1,)}, "pair=(1,) is not allowed: a longer list is needed"),
    ({"count": 1, "pair": (1, 2, 3)}, "pair=(1, 2, 3) is not allowed: a list of at most 2"),
    ({"count": 1, "names": "ab"}, "names='ab' is not allowed: a list such as ['ab'] is needed"),
    ({"count": 1, "names": ["a", 2]}, "names=2 is not allowed: text is needed"),
    (
        {"count": 1, "one_or_more": "x"},
        "one_or_more='x' is not allowed: a whole number or a list such as ['x'] is needed",
    ),
    ({"count": 1, "there": "perhaps"}, "there='perhaps' is not allowed: true or false is needed"),
    ({"count": 1, "part": 3}, "part=3 is not allowed: a mapping of fields to values is needed"),
    ({"count": 1, "part": {"share": 1}}, "part.share=1 is not allowed: a number below 1 is needed"),
    ({"count": 1, "part": {"shar": 1}}, "field part.shar: in part the name 'shar' is unknown"),
    (
        {"count": 1, "parts": {"a": {"share": -1}}},
        "parts.a.share=-1 is not allowed: a number of at",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), MISTAKES)
def test_a_specification_refuses_a_value_as_the_command_line_does(fields, expected):
    with pytest.raises(ValueError, match=r".") as raised:
        Whole(**fields)
    told = str(raised.value)
    assert told.startswith(expected)
    assert not isinstance(raised.value, ValidationError)
    assert not [words for words in PYDANTICS if words in told]
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Whole).validate_python(fields)
    assert sentence(caught.value, Whole) == told


def test_a_specification_takes_its_fields_by_name():
    with pytest.raises(ValueError, match=r"^3 has no name: Part takes its fields by name, share$"):
        Part(3)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: eegxai.simulate("temporal", snr_db=True, seed=0, n_trials=8),
            "snr_db=True is a truth value and not a number",
        ),
        (
            lambda: eegxai.simulate("temporal", snr_db=0, seed=-1, n_trials=8),
            "seed=-1 is not allowed: a number of at least 0 is needed",
        ),
        (
            lambda: eegxai.TrainingSpec(epochs=True),
            "epochs=True is a truth value and not a number",
        ),
        (
            lambda: eegxai.recommended("deepnet", epoch=3),
            "field 'epoch' is unknown; did you mean 'epochs'?",
        ),
        (
            lambda: eegxai.EvaluationSpec(truth_threshold=1.0),
            "truth_threshold=1.0 is not allowed: a number below 1 is needed",
        ),
        (
            lambda: eegxai.implant("temporal", __file__, -6, 1, channels="Cz"),
            "channels='Cz' is not allowed: a list such as ['Cz'] is needed",
        ),
    ],
)
def test_the_public_face_refuses_in_one_sentence(make, told):
    with pytest.raises(ValueError, match=r".") as raised:
        make()
    assert str(raised.value).startswith(told)
