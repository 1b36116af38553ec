"""Head models: their specification, their registry, and the one way to open one."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from eegxai.head.base import Head
from eegxai.head.forward import forward_head
from eegxai.head.montage import is_electrode, known_montage
from eegxai.head.nyhead import nyhead_head
from eegxai.head.sphere import sphere_head
from eegxai.registry import Registry, lookup
from eegxai.spec import ORDERED, spec

FILE_MODELS = ("forward", "nyhead")  # those that read a file
DIGEST_OF = {"sha256": "file", "mri_to_mni_sha256": "mri_to_mni"}

Digest = Annotated[str | None, Field(validate_default=True)]


@spec
class HeadSpec:
    """A head model, its file and its electrodes.

    Parameters
    ----------
    model : str
        Name in :data:`HEADS`.
    file : str, optional
        The head's file: needed by ``forward`` and ``nyhead``, refused by ``sphere``.
    channels : tuple of str, optional
        Electrodes in the order wanted. By default the study's; all EEG channels of the file
        for ``forward``, all electrodes of the ``montage`` where one is given.
    montage : str, optional
        A standard montage of MNE, which has the positions of the electrodes; only for ``sphere``,
        since a file has electrodes of its own. By default the template ``colin27_1005``.
    mri_to_mni : str, optional
        Only for ``forward`` and a subject that is not fsaverage: a -trans.fif with the affine
        from the subject's MRI frame to MNI, as :func:`mne.read_talxfm` returns it.
    sha256, mri_to_mni_sha256 : str, optional
        Digests of the two files, filled in by validation, so that equal specs mean equal
        contents. A digest that is given must be that of the file.
    """

    model: str = "sphere"
    file: Annotated[str | None, Field(validate_default=True)] = None
    channels: Annotated[tuple[str, ...] | None, ORDERED] = None
    montage: str | None = None
    mri_to_mni: str | None = None
    sha256: Digest = None
    mri_to_mni_sha256: Digest = None

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        lookup(HEADS, name, "head")
        return name

    @field_validator("file")
    @classmethod
    def _file_where_needed(cls, file: str | None, given: ValidationInfo) -> str | None:
        model = given.data.get("model")
        if model in FILE_MODELS and file is None:
            raise ValueError(f"head {model!r} needs a file")
        return _used_by(FILE_MODELS, file, given)

    @field_validator("channels")
    @classmethod
    def _distinct_channels(cls, channels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if channels is not None and (len(channels) < 2 or len(channels) > len(set(channels))):
            raise ValueError(
                f"channels are {channels}; at least two different names are needed, since the "
                "reference is their average"
            )
        return channels

    @field_validator("montage")
    @classmethod
    def _montage_where_used(cls, name: str | None, given: ValidationInfo) -> str | None:
        if name is None:
            return None
        model = given.data.get("model")
        if model in FILE_MODELS:
            raise ValueError(
                f"montage {name!r} is only for head sphere: head {model!r} has electrodes of its "
                "own, of which channels may be a list"
            )
        return known_montage(name)

    @field_validator("mri_to_mni")
    @classmethod
    def _transform_where_used(cls, file: str | None, given: ValidationInfo) -> str | None:
        return _used_by(("forward",), file, given)

    @field_validator(*DIGEST_OF)
    @classmethod
    def _digest_of_its_file(cls, digest: str | None, given: ValidationInfo) -> str | None:
        field = DIGEST_OF[str(given.field_name)]
        file = given.data.get(field)
        actual = None if file is None else file_digest(file)
        if digest not in {None, actual}:
            raise ValueError(
                f"{given.field_name} is {digest}, but the digest of {field} is {actual}"
            )
        return actual

    @model_validator(mode="after")
    def _electrodes_exist(self) -> "HeadSpec":
        if self.model == "sphere":
            sphere_head(self.channels, self.montage)
        return self


def _used_by(models: Collection[str], file: str | None, given: ValidationInfo) -> str | None:
    """A file that exists, in a field that only these models use (None: the model is wrong)."""
    if file is not None and given.data.get("model") not in {*models, None}:
        raise ValueError(f"{given.field_name} {file!r} is only for head {' and '.join(models)}")
    if file is not None and not Path(file).is_file():
        raise ValueError(f"{given.field_name} {file!r} does not exist or is not a file")
    return file


def _head_fields(value: object) -> object:
    return {"model": value} if isinstance(value, str) else value


def montage_value(value: Any) -> Any:
    """The name of a montage, a list of electrodes or None; anything else is refused.

    Raises
    ------
    ValueError
        Without the name of the field, which its caller knows.
    """
    names = value if isinstance(value, list | tuple) else [value]
    if value is not None and not all(isinstance(name, str) for name in names):
        raise ValueError(
            "is neither the name of a standard montage nor a list of names of electrodes"
        )
    return value


Montage = str | Sequence[str] | None  # a standard montage of MNE, or a list of electrodes


def with_montage(head: HeadSpec, montage: Montage) -> HeadSpec:
    """A head with the electrodes of a montage: all of a named one, or those that are listed.

    A listed electrode has the position that the head gives it. With a name, ``head.channels`` may
    select electrodes of the montage.

    Raises
    ------
    ValueError
        When it is neither, the head states the same, too, or it has no such electrodes.
    """
    try:
        montage_value(montage)
    except ValueError as error:
        raise ValueError(f"montage={montage!r} {error}") from error
    if montage is None:
        return head
    if isinstance(montage, str) and is_electrode(montage):  # a list of one, as YAML allows
        montage = (montage,)
    field = "montage" if isinstance(montage, str) else "channels"
    if getattr(head, field) is not None:
        raise ValueError(f"montage {montage!r} and head.{field} are both given; one is enough")
    if isinstance(montage, str):
        return replace(head, montage=montage)
    return replace(head, channels=tuple(montage))


HeadField = Annotated[
    HeadSpec, BeforeValidator(_head_fields)
]  # so that YAML may say `head: sphere`


def open_head(head: HeadSpec) -> Head:
    """The head that a spec describes, cached per process.

    Raises
    ------
    ValueError
        When a file has changed since the spec was made, or the model refuses it.
    """
    HeadSpec(**vars(head))  # checks the files against the digests of the spec
    return _opened_head(head)


@lru_cache(maxsize=4)  # a New York Head takes 110 MB
def _opened_head(head: HeadSpec) -> Head:
    return HEADS[head.model](head)


def file_digest(file: str) -> str:
    """SHA-256 of a file's content, cached as long as its size and time stay the same."""
    path = Path(file).resolve()
    state = path.stat()
    return _file_digest(path, state.st_mtime_ns, state.st_size)


@cache
def _file_digest(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


HEADS: Mapping[str, Callable[[HeadSpec], Head]] = Registry(
    "head",
    {
        "sphere": lambda head: sphere_head(head.channels, head.montage),
        "forward": lambda head: forward_head(str(head.file), head.channels, head.mri_to_mni),
        "nyhead": lambda head: nyhead_head(str(head.file), head.channels),
    },
)
