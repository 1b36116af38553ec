"""A mistake is one sentence: the field, the value and what is allowed."""

import pytest
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, field_validator

from eegxai.errors import sentence
from eegxai.registry import unknown_name
from eegxai.simulation.regions import REGIONS


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
        ({"number": 0}, "number=0 is not allowed: Input should be greater than 0"),
        ({"names": []}, "names=[] is empty, at least one value is needed"),
        ({"names": ["no"]}, "names='no' cannot be used"),
        ({"numbr": 1}, "field numbr is unknown"),
        ({"names": ["a", 1]}, "names=1 is not allowed: Input should be a valid string"),
        (
            {"number": -(10**400)},
            f"number=-1{55 * '0'}... is not allowed: Input should be greater than 0",
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
