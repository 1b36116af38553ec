"""The report on one's own decoder: one file, in its order, true to the tables, safe."""

import html
import re
from dataclasses import replace

import pandas as pd
import pytest

from sweeps.report.explanation_files import require_new_folder, write_explanation
from sweeps.report.explanation_page import render_explanation
from sweeps.report.explanation_pictures import CAPTIONS, explanation_pictures
from sweeps.report.explanation_tables import (
    pattern_summary_table,
    replaced_table,
    similarity_table,
    terminal_trust,
    trust_table,
    validity_table,
)
from sweeps.report.explanation_texts import accuracy_lines, trust_answer, trust_notes
from sweeps.report.terminal import TABLE_WIDTH
from tests.html_page import Page
from tests.made_up_explanation import CLASSES, METHODS, WITHOUT_MAP, found_explanation, requested

SECTIONS = [
    "decoder", "trust", "maps", "checks", "agreement", "evidence", "validity", "notes", "run",
]  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    return requested(tmp_path_factory.mktemp("own"), notes=(HOSTILE,))


@pytest.fixture(scope="module")
def pictures(explained):
    return list(explanation_pictures(explained.found))


@pytest.fixture(scope="module")
def told(explained, pictures):
    return render_explanation(explained, pictures)


@pytest.mark.slow
def test_sections_come_in_order_and_all_tags_are_closed(told):
    found = Page(told)
    assert [section["id"] for section in found.all("section")] == SECTIONS
    assert found.open == []
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere_and_notes_are_text(told):
    for tag, attributes in Page(told).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert attributes.get("src", "data:").startswith("data:")
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp", told)
    assert len(Page(told).all("script")) == 1
    assert "&lt;script&gt;" in told


def test_it_says_what_is_left_out_and_how_to_repeat_it(told, explained):
    assert "relevance mass accuracy" in told
    assert "eegxai explain --decoder braindecode:EEGNet --data" in told
    assert explained.weights_digest in told
    assert explained.data_digest in told
    assert "13:17709" in told


def test_each_picture_has_its_caption(told, pictures):
    shown = {picture.name for picture in pictures}
    assert shown <= set(CAPTIONS)
    assert len(Page(told).all("img")) == len(shown - {"confusion"})
    for name in shown - {"confusion"}:
        assert html.escape(CAPTIONS[name].caption, quote=False).replace("'", "&#39;") in told


def texts(table):
    """What the cells of each row say, by the method."""
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def test_numbers_in_tables_are_those_of_the_checks(explained):
    assert texts(similarity_table(explained.found)) == {
        "DeepLift": ["−0.40", "0.10", "0.05"],
        "GradCAM++": ["0.30", "0.20", "0.05"],
        "Saliency": ["0.97", "0.95", "0.05"],
    }
    assert texts(validity_table(explained.found))[WITHOUT_MAP][0] == "not applicable"
    # A triangle of half the whole change, and a third of it.
    assert [row[1].text for row in replaced_table(explained.found).rows] == ["0.25", "0.08", "0.00"]
    assert [row[2].text for row in pattern_summary_table(explained.found).rows] == ["Cz"] * len(
        CLASSES
    )


def test_the_table_of_trust_has_all_methods_and_fits_a_terminal(explained):
    found = explained.found
    assert [row[0].text for row in trust_table(found).rows] == [*METHODS, WITHOUT_MAP]
    table = terminal_trust(found)
    widths = [
        max(len(text) for text in (heading, *(row[place].text for row in table.rows)))
        for place, heading in enumerate(table.columns)
    ]
    assert sum(widths) + 2 * len(widths) <= TABLE_WIDTH
    assert any(WITHOUT_MAP in line and "LayerNorm" in line for line in trust_notes(found))
    assert any("Saliency" in sentence for sentence in trust_answer(found))


def test_no_labels_no_accuracy_and_no_better_than_chance_is_said():
    found = found_explanation()
    assert "0.75 [0.47, 0.91] of 12 trials" in " ".join(accuracy_lines(found.accuracy))
    at_chance = found.accuracy.assign(above_chance=False)
    assert "no better than chance" in " ".join(accuracy_lines(at_chance))
    assert "no labels" in " ".join(accuracy_lines(found.accuracy.iloc[:0]))


def test_what_was_not_tested_is_said():
    found = found_explanation()
    assert not any("not tested" in sentence for sentence in trust_answer(found))
    unlabelled = replace(found, accuracy=found.accuracy.iloc[:0])
    assert "It was not tested whether the decoder is better than chance." in trust_answer(
        unlabelled
    )


def test_a_result_without_maps_has_a_page_too(tmp_path):
    found = found_explanation()
    empty = {
        "maps": {},
        "checks": found.checks.iloc[:0],
        "agreement": pd.DataFrame(),
        "frequency": found.frequency.iloc[:0],
        "curves": pd.DataFrame(),
        "patterns": pd.DataFrame(),
        "accuracy": found.accuracy.iloc[:0],
        "confusion": pd.DataFrame(),
        "validity": found.validity[found.validity["method"] == WITHOUT_MAP],
    }
    explained = requested(tmp_path, **empty)
    told = render_explanation(explained, list(explanation_pictures(explained.found)))
    assert "no labels" in told
    assert WITHOUT_MAP in told


def test_the_folder_appears_whole_or_not_at_all(explained, pictures, tmp_path, monkeypatch):
    folder, files = tmp_path / "out", "sweeps.report.explanation_files"
    monkeypatch.setattr(f"{files}.explanation_pictures", lambda _found: pictures[:1])
    with monkeypatch.context() as failing:
        failing.setattr(f"{files}.render_explanation", _fail)
        with pytest.raises(RuntimeError, match="no page"):
            write_explanation(explained, folder)
    assert list(tmp_path.iterdir()) == []
    written = write_explanation(explained, folder)
    expected = {"report.html", "maps.npz", "DeepLift-epo.fif", f"{pictures[0].name}.png"}
    assert expected <= {path.name for path in written}
    assert all(path.is_file() for path in written)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with pytest.raises(ValueError, match="exists and is not overwritten"):
        require_new_folder(folder)


def _fail(*_given):
    raise RuntimeError("no page")
