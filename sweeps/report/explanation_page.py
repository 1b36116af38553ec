"""The report of ``eegxai explain``: which explanation of a decoder to trust, in one file."""

from collections.abc import Mapping, Sequence

from eegxai.explaining import DecoderExplanation
from sweeps.report.explanation_tables import (
    agreement_table,
    confusion_table,
    pattern_summary_table,
    replaced_table,
    seconds_table,
    similarity_table,
    step_table,
    tables_with_rows,
    trust_table,
    validity_table,
)
from sweeps.report.explanation_texts import (
    CITATION,
    EXPLANATION_LIMITS,
    MEANINGS,
    TRUST_MARKS_LEGEND,
    accuracy_lines,
    methods_used,
    trust_answer,
    trust_notes,
)
from sweeps.report.page_figures import PageFigure, page_figure
from sweeps.report.page_templates import page_template
from sweeps.report.picture import Picture
from sweeps.report.table import Table
from sweeps.scores.table import CASCADE, SPECIFICITY_THRESHOLD
from sweeps.tasks.own_decoder import RequestedExplanation

# Which pictures stand in which section; what none names is evidence.
SECTIONS: Mapping[str, Sequence[str]] = {
    "maps": ("topographies", "time_courses", "frequency"),
    "checks": ("checks", "cascade"),
    "agreement": ("agreement",),
    "evidence": ("curves", "patterns"),
    "in_a_table": ("confusion",),
}
EVIDENCE_PART = "evidence"
STEPS: Mapping[str, str] = {
    CASCADE: "Cascade: layers get random weights one after another, from the output",
    "independent": "One layer at a time gets random weights",
}


def render_explanation(explained: RequestedExplanation, pictures: Sequence[Picture]) -> str:
    """The page: accuracy, trust, maps, checks, what is left out, and how to repeat it.

    Parameters
    ----------
    explained : RequestedExplanation
    pictures : sequence of Picture
        Those of :func:`sweeps.report.explanation_pictures.explanation_pictures`.
    """
    found = explained.found
    contents = {
        "name": found.decoder_name,
        "data": explained.request.data.name,
        "accuracy": list(accuracy_lines(found.accuracy)),
        "confusion": tables_with_rows([confusion_table(found.confusion)]),
        "answer": list(trust_answer(found)),
        "trust": trust_table(found),
        "reasons": list(trust_notes(found)),
        "marks": TRUST_MARKS_LEGEND,
        "meanings": MEANINGS,
        "threshold": SPECIFICITY_THRESHOLD,
        "pictures": _by_section(pictures),
        "similarities": tables_with_rows([similarity_table(found)]),
        "steps": tables_with_rows(_step_tables(found)),
        "agreement": tables_with_rows([agreement_table(found)]),
        "evidence": tables_with_rows([replaced_table(found), pattern_summary_table(found)]),
        "validity": validity_table(found),
        "without_truth": found.without_truth,
        "notes": found.notes,
        "limits": EXPLANATION_LIMITS,
        "facts": explained.facts,
        "command": explained.request.command,
        "methods": methods_used(found),
        "citation": CITATION,
        "seconds": tables_with_rows([seconds_table(found)]),
    }
    return page_template("explanation.html").render(contents)


def _by_section(pictures: Sequence[Picture]) -> dict[str, list[PageFigure]]:
    section_of = {name: section for section, names in SECTIONS.items() for name in names}
    sections: dict[str, list[PageFigure]] = {name: [] for name in SECTIONS}
    for picture in pictures:
        sections[section_of.get(picture.name, EVIDENCE_PART)].append(page_figure(picture))
    return sections


def _step_tables(found: DecoderExplanation) -> list[Table]:
    return [step_table(found, check, title) for check, title in STEPS.items()]
