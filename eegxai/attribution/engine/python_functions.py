"""Functions of torch that are written in Python, run so that a mode sees what they call.

torch shows a mode the outermost call alone: ``F.multi_head_attention_forward``, and not the
products and the softmax inside. Such a function begins by asking whether a mode is there and, if
so, hands itself over to it. A twin of it, of the same code in a scope where that question is
always denied, runs on to the operations it is made of, which then meet the mode.

This reads what torch does not promise to keep: that these functions ask by a global name that
begins with ``has_torch_function``. ``SEEN_WITH`` are the versions of torch it was seen with;
``tests/eegxai/attribution/engine/test_python_functions.py`` finds out about another one.
"""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

SEEN_WITH = ("2.11", "2.15")
QUESTION = "has_torch_function"


def asks_for_a_mode(function: Callable[..., Any]) -> bool:
    """Whether a function is one of torch's in Python that hand themselves over to a mode."""
    if not isinstance(function, FunctionType):
        return False
    # super: a method of Tensor around its namesake in C.
    return "super" not in function.__code__.co_names and bool(_questions(function))


@cache
def without_asking(function: FunctionType) -> FunctionType:
    """The function without its question for a mode, so that the mode sees what it calls."""
    scope = function.__globals__ | dict.fromkeys(_questions(function), _never)
    code, defaults, closure = function.__code__, function.__defaults__, function.__closure__
    twin = FunctionType(code, scope, function.__name__, defaults, closure)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def _questions(function: FunctionType) -> list[str]:
    """Global names by which a function asks; one of another module could not be denied."""
    names = function.__code__.co_names
    return [name for name in names if name.startswith(QUESTION) and name in function.__globals__]


def _never(*_: object) -> bool:
    return False
