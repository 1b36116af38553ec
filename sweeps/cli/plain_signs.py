"""Signs for terminals and files whose encoding lacks those that tables and sentences use."""

import codecs
from io import TextIOWrapper

# One character each, so that columns stay below each other; a legend is replaced alike.
PLAIN_SIGNS = {
    "✓": "+", "✗": "x", "±": "~", "−": "-", "–": "-", "—": "-", "×": "x", "µ": "u", "…": ".",
    "≥": ">", "≤": "<", "→": ">",
}  # fmt: skip
HANDLER = "eegxai.plain_signs"


def replace_what_is_lacking(*streams: object) -> None:
    r"""Let streams write a plain sign for one that their encoding lacks, and not fail.

    Examples
    --------
    >>> import io
    >>> stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    >>> replace_what_is_lacking(stream)
    >>> print("✓ 0.50±0.10, ✗ −1, ?", file=stream, flush=True)
    >>> stream.buffer.getvalue().decode()
    '+ 0.50~0.10, x -1, ?\n'
    """
    codecs.register_error(HANDLER, _ascii_or_number)
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _ascii_or_number(error: UnicodeError) -> tuple[str | bytes, int]:
    """Plain signs for those that cannot be encoded; any other as its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    signs = (PLAIN_SIGNS.get(sign, sign.encode("ascii", "backslashreplace").decode())
             for sign in lacking)  # fmt: skip
    return "".join(signs), error.end
