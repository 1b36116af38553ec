"""The folder of ``eegxai explain``: maps, tables, pictures and the report, whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from eegxai.atomic import UnwritableError, exists, require_writable, staging
from eegxai.figures import save
from sweeps.report.explanation_page import render_explanation
from sweeps.report.explanation_pictures import explanation_pictures
from sweeps.report.picture import Picture
from sweeps.tasks.own_decoder import RequestedExplanation

REPORT_FILE = "report.html"
FIGURE_FOLDER = "figures"


def require_new_folder(folder: Path, n_bytes: float = 0) -> None:
    """Refuse a folder that is there already or cannot be written, before any work.

    Parameters
    ----------
    folder : Path
    n_bytes : float
        What is expected to be written.

    Raises
    ------
    UnwritableError
        In one sentence.
    """
    if exists(folder):
        raise UnwritableError(f"{str(folder)!r} exists and is not overwritten: name a new folder")
    require_writable(folder, n_bytes)


def write_explanation(explained: RequestedExplanation, folder: Path) -> list[Path]:
    """Write everything that was found into a new folder; the files.

    Parameters
    ----------
    explained : RequestedExplanation
    folder : Path
        It appears once all files are in it. It holds what ``DecoderExplanation.write`` writes,
        ``report.html``, and the pictures as PNG in ``figures``.

    Raises
    ------
    UnwritableError
        When the folder exists or cannot be written; nothing is left behind.
    """
    require_new_folder(folder)
    pictures = list(explanation_pictures(explained.found))
    with staging(folder.parent) as temporary:
        made = explained.found.write(temporary / folder.name)
        _write_pictures(pictures, made / FIGURE_FOLDER)
        page = render_explanation(explained, pictures)
        (made / REPORT_FILE).write_text(page, encoding="utf-8")
        names = [file.relative_to(made) for file in sorted(made.rglob("*")) if file.is_file()]
    return [folder / name for name in names]


def _write_pictures(pictures: Sequence[Picture], folder: Path) -> None:
    folder.mkdir()
    for picture in pictures:
        save(picture.figure, folder / f"{picture.name}.png", "png")
