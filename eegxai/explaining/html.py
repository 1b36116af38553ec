"""A result at a glance, for notebooks: accuracy, the table of trust, one picture."""

import io
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from eegxai.explaining.findings import Findings
from eegxai.explaining.pictures import pictures_of
from eegxai.explaining.trust import NO_MAP
from eegxai.figures.style import save
from eegxai.rounding import digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure


EXPLANATION_PAGE_DPI = 110
CAVEAT = (
    "These are necessary conditions. Only a known truth can show whether a map finds the signal "
    "itself: plant one in your own recordings (eegxai implant)."
)


def overview(result: Findings) -> str:
    """HTML of a result."""
    parts = [
        f"<h3>{escape(result.decoder_name)}</h3>",
        f"<p>{escape(decoder_sentence(result))}</p>",
        trust_html(result.trust),
        f"<p><small>{escape(CAVEAT)}</small></p>",
    ]
    pictures = pictures_of(result, ("topographies", "time_courses"))
    parts += [image(figure) for figure in list(pictures.values())[:1]]
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    parts.append(f"<details><summary>{len(result.notes)} notes</summary><ul>{notes}</ul></details>")
    return "<div>" + "\n".join(parts) + "</div>"


def decoder_sentence(result: Findings) -> str:
    """What is said of the decoder, in a sentence."""
    if not len(result.accuracy):
        return f"No labels: {len(result.explained)} trials are explained, and no accuracy is known."
    row = result.accuracy.iloc[0]
    state = "above chance" if row["above_chance"] else "not shown to be above chance"
    return (
        f"Accuracy {digits(row['accuracy'])} ({digits(row['low'])} to {digits(row['high'])}) on "
        f"{row['n_trials']:g} trials (largest class: {digits(row['chance'])}), balanced "
        f"{digits(row['balanced_accuracy'])}, {state} ({digits(row['balanced_chance'])}); "
        f"{len(result.explained)} trials are explained."
    )


def trust_html(trust: pd.DataFrame) -> str:
    """The table of trust; methods without a map last."""
    order = trust["trust"].eq(NO_MAP).sort_values(kind="stable").index
    shown = trust.loc[order].assign(
        agreement=[digits(value) for value in trust["agreement"][order]]
    )
    shown.columns = [str(name).replace("_", " ") for name in shown.columns]
    with pd.option_context("display.max_colwidth", None):
        return str(shown.to_html(index=False, border=0, escape=True))


def image(figure: "Figure") -> str:
    """A picture within the page."""
    buffer = io.BytesIO()
    save(figure, buffer, "png", EXPLANATION_PAGE_DPI)
    data = b64encode(buffer.getvalue()).decode()
    return f'<img alt="mean maps of the classes" src="data:image/png;base64,{data}">'
