"""Labels of trials: positions in the list of class names, made of names, numbers or event codes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eegxai.recordings.checks import as_array
from eegxai.registry import MOST_NAMES_LISTED

MOST_CLASSES = 1000  # integers above are codes of events, even beside a zero

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels (trials,), the names of the classes, and how they were numbered, in a sentence.

    ``codes`` are the integers of the classes as they were given, where no names were.
    """

    y: Array | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()


def given_labels(y: Any, class_names: Sequence[str] | None, n_trials: int) -> Labels:
    """Labels of what a user gives: class names, positions of classes, or codes.

    Parameters
    ----------
    y : sequence of int or str, shape (trials,), or None
        Integers with a zero among them are positions; others are codes, numbered in their order.
    class_names : sequence of str, optional
        Names in the order of the labels. Integers are positions in it if they can be.
    n_trials : int
        Number of trials that are to be labelled.

    Raises
    ------
    ValueError
        When the labels are neither integers nor names, are not one for each trial, or do not fit
        the names of the classes.

    Examples
    --------
    >>> given_labels(["right", "left"], None, 2).y.tolist()
    [1, 0]
    >>> given_labels([770, 769], ["left", "right"], 2).class_names
    ('left', 'right')
    """
    names = _distinct(class_names)
    if y is None:
        return Labels(None, names or ())
    values = _label_values(y, n_trials)
    if values.dtype.kind == "U":
        return _labels_of_names(values, names)
    return _labels_of_integers(values, names, sorted(set(values.tolist())))


def event_labels(codes: Array, event_id: Mapping[str, int], names: Sequence[str] | None) -> Labels:
    """Labels of events: classes are the named events in the order of their codes.

    Parameters
    ----------
    codes : array, shape (trials,)
        Code of each trial's event.
    event_id : mapping of str to int
        Code of each name, as MNE has it.
    names : sequence of str, optional
        Another order of the classes; names without trials are classes, too. Events that are named
        by numbers get these names as in :func:`given_labels`.

    Raises
    ------
    ValueError
        When a code has no name or two, or an event is not among the names that are given.
    """
    name_of = {code: name for name, code in event_id.items()}
    if len(name_of) < len(event_id):
        raise ValueError(f"event_id gives one code two names, which is not allowed: {event_id}")
    if unnamed := sorted({int(code) for code in codes} - set(name_of)):
        raise ValueError(
            f"event codes {_values_phrase(unnamed)} have no name in event_id {event_id}"
        )
    own, ordered = _distinct(names), tuple(name_of[code] for code in sorted(name_of))
    values = np.array([name_of[int(code)] for code in codes])
    if own and not set(ordered) <= set(own) and all(map(is_number, ordered)):
        return _labels_of_integers(values.astype(np.int64), own, [int(name) for name in ordered])
    return _labels_of_names(values, own or ordered)


def class_notes(labels: Labels) -> list[str]:
    """Sentences on the numbers of trials of each class; none without labels."""
    if labels.y is None:
        return ["there are no labels"]
    counts = Counter(labels.y.tolist())
    of_class = {name: counts[label] for label, name in enumerate(labels.class_names)}
    numbers = [f"{name} ({n})" for name, n in of_class.items()]
    notes = [f"classes from label 0 on, with their numbers of trials: {_values_phrase(numbers)}"]
    if empty := [name for name, n in of_class.items() if not n]:
        notes.append(f"no trial is of class {_values_phrase(empty)}")
    if single := [name for name, n in of_class.items() if n == 1]:
        notes.append(f"only one trial is of class {_values_phrase(single)}")
    if len(counts) == 1:
        (name,) = (name for name, n in of_class.items() if n)
        notes.append(
            f"all trials are of class {name!r}, so that no accuracy can differ from chance"
        )
    return notes


def _label_values(y: Any, n_trials: int) -> Array:
    """The labels as an array of integers or of text."""
    values = as_array(y, "y")
    if values.shape != (n_trials,):
        raise ValueError(
            f"y has the shape {values.shape}; allowed is one label for each trial: ({n_trials},)"
        )
    if values.dtype.kind == "O":
        values = _uniform_labels(values)
    if values.dtype.kind in "US":
        return values.astype(str)
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values % 1 == 0).all():
        values = values.astype(np.int64)
    if values.dtype.kind == "f":
        wrong = next(value for value in values.tolist() if not value.is_integer())
        raise ValueError(
            f"y holds {wrong!r}; allowed are integers and names of classes (a regression is "
            "explained without y)"
        )
    if values.dtype.kind not in "biu":
        raise ValueError(
            f"y holds values of the type {values.dtype}; allowed are integers and names of classes"
        )
    return values.astype(np.int64)


def _uniform_labels(values: Array) -> Array:
    """An array of Python objects as one of text or of integers."""
    for kind in (str, (int, np.integer)):
        if all(isinstance(value, kind) for value in values):
            return np.array(values.tolist())
    first = type(values[0])
    odd = next((value for value in values if not isinstance(value, first)), values[0])
    raise ValueError(f"y holds {odd!r}; allowed are integers and names of classes, not both")


def _labels_of_names(values: Array, class_names: tuple[str, ...] | None) -> Labels:
    found = sorted(set(values.tolist()))
    names = class_names or tuple(found)
    for name in found:
        if name not in names:
            raise ValueError(
                f"class_names lacks {name!r}, which is a class of the trials; it holds "
                f"{_values_phrase(names)}"
            )
    position = {name: label for label, name in enumerate(names)}
    y = np.array([position[value] for value in values.tolist()], dtype=np.int64)
    notes = () if class_names else ("classes are in alphabetical order, as none was given",)
    return Labels(y, names, notes)


def _labels_of_integers(
    values: Array, class_names: tuple[str, ...] | None, found: list[int]
) -> Labels:
    """Labels of integers: positions in the names if they can be, or else in ``found``."""
    n_classes = len(class_names) if class_names else _n_positions(found)
    if found and min(found) >= 0 and max(found) < n_classes:
        return Labels(values, class_names or tuple(map(str, range(n_classes))))
    if class_names and len(class_names) != len(found):
        raise ValueError(
            f"y holds {_values_phrase(found)}, which are neither positions in class_names, "
            f"0 to {n_classes - 1}, nor as many as its {n_classes} names"
        )
    names = class_names or tuple(map(str, found))
    position = {code: label for label, code in enumerate(found)}
    y = np.array([position[code] for code in values.tolist()], dtype=np.int64)
    return Labels(y, names, (numbering(found),), () if class_names else tuple(found))


def numbering(codes: Sequence[int]) -> str:
    """The sentence on integers that became labels in their order."""
    numbers = ", ".join(f"{code} -> {label}" for label, code in enumerate(codes))
    return f"labels were numbered: {numbers}"


def is_number(name: str) -> bool:
    """Whether the name of an event is but an integer."""
    return name.removeprefix("-").isdecimal()


def _n_positions(found: Sequence[int]) -> int:
    """Number of classes of integers that are positions; 0 of those that are codes."""
    return found[-1] + 1 if found and found[0] == 0 and found[-1] < MOST_CLASSES else 0


def _distinct(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names of the classes, no two alike."""
    if class_names is None:
        return None
    if not isinstance(class_names, Iterable):
        raise ValueError(f"class_names={class_names!r} is not allowed: a list of distinct names is")
    names = tuple(map(str, class_names))
    if len(set(names)) < len(names) or isinstance(class_names, str) or not names:
        raise ValueError(f"class_names={class_names!r} is not allowed: a list of distinct names is")
    return names


def _values_phrase(values: Sequence[object]) -> str:
    """Values in a sentence, of many the first ones."""
    more = f" and {len(values) - MOST_NAMES_LISTED} more" if len(values) > MOST_NAMES_LISTED else ""
    return ", ".join(map(str, values[:MOST_NAMES_LISTED])) + more
