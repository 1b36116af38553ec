"""The report: one file, whole, in its order, safe against hostile names."""

import io
import re

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image
from typer.testing import CliRunner

from eegxai.attribution import METHODS, Validity
from sweeps.analysis.conditions import NO_SCORE, REFUTED, SHOWN
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import Column
from sweeps.analysis.verdicts import (
    BEYOND_INPUT,
    DUPLICATE,
    FAILS,
    MARKS,
    NOT_APPLICABLE,
    PASSES,
    PROPERTIES,
    STUDY_VERDICT,
    judged,
)
from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.report.html import page
from sweeps.report.origin import Origin
from sweeps.report.page_figures import palette_png
from sweeps.report.result_tables import (
    flagged_table,
    result_cell,
    verdict_table,
)
from sweeps.report.verdict_texts import verdict_answer, verdict_notes
from sweeps.scores.selection import without_chance_decoders
from sweeps.scores.table import AXES
from sweeps.store.records import MethodScores
from sweeps.store.status import Status
from tests.html_page import Page
from tests.sweeps.conftest import TINY
from tests.tidy_tables import tidy_table

RUNNER = CliRunner()
HOSTILE = "<script>alert(1)</script>"
MOST_BYTES = 5e6
SECTIONS = ["question", "verdict", "claims", "figures", "tables", "run", "missing", "limits"]


def record(**changes):
    known = {
        "accuracy": 0.9,
        "at_chance": False,
        "seconds": 2.0,
        "finished": 1e9,
        "versions": {"torch": "2.11.0"},
        "machine": "A GPU, 8 CPUs",
        "commit": "abc",
        "table": None,
        "validity": Validity("ok"),
    }
    return MethodScores(**{**known, **changes})


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The page of a sweep whose plug-in has a hostile name and whose data are half there."""
    path = tmp_path_factory.mktemp("told") / "tiny.yaml"
    path.write_text(TINY)
    config = load(path)
    tidy = tidy_table([HOSTILE, "LRP", "RandomMap"], ["temporal"], [-3.5], [0, 1], ["deepnet"])
    tidy.loc[tidy["method"] == "LRP", ["validity", "flags"]] = ["duplicate", f"equals {HOSTILE}"]
    cells = [*decoder_cells(config), *method_cells(config)]
    states = dict.fromkeys(cells[:-1], "done") | {cells[-1]: "failed"}
    status = Status(states, reasons={cells[-1]: f"Traceback\nValueError: {HOSTILE}"})
    records = [record(), record(commit="", versions={"torch": "2.12"})]
    tidy = without_chance_decoders(tidy.assign(at_chance=tidy["seed"] == 1))
    return page(config, tidy, {}, Origin(status, records))


@pytest.mark.slow
def test_sections_come_in_order_and_all_tags_are_closed(told):
    found = Page(told)
    assert [s["id"] for s in found.all("section")] == SECTIONS
    assert found.open == []
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere(told):
    for tag, attributes in Page(told).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "data", "action"):
            assert attributes.get(name, "data:").startswith("data:image/png;base64,"[:5])
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp", told)
    policy = next(m for m in Page(told).all("meta") if "content" in m and "http-equiv" in m)
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_each_check_and_the_coverage_have_a_table(told):
    for caption in ("Correlation of the map after each change with", "Trials in which each number"):
        assert f"<caption>{caption}" in told
    assert {"target swap", "cascade area", "trials"} <= set(Page(told).cells)


def test_each_claim_of_the_study_is_decided_twice(told):
    cells = Page(told).cells
    assert sum(cell in ("holds", "does not hold", "cannot be decided") for cell in cells) >= 16
    section = told[told.index('id="claims"') : told.index('id="figures"')]
    assert "no cells of method Saliency" in section
    assert "may be decided by:\nthis sweep with" in section


def test_hostile_names_are_text(told):
    assert len(Page(told).all("script")) == 1
    assert HOSTILE not in told
    assert HOSTILE in Page(told).cells
    assert "ValueError: &lt;script&gt;" in told


def test_pictures_have_alternatives_and_tables_captions_and_scopes(told):
    found = Page(told)
    assert all(img["alt"] and int(img["width"]) > 0 for img in found.all("img"))
    assert len(found.all("caption")) == len(found.all("table"))
    assert all(th["scope"] in ("row", "col", "colgroup") for th in found.all("th"))
    regions = [div for div in found.all("div") if div["class"] == "scroll"]
    assert all(div["tabindex"] == "0" and div["aria-label"] for div in regions)
    assert len(regions) == len(found.all("table")) + len(found.all("figure"))


FACTS = (
    "A GPU, 8 CPUs",
    "abc; not recorded",
    "torch 2.11.0, 2.12",
    "2001-09-09 01:46 UTC",
    "9 of 10 done",
    "Cells are missing",
    "2 trained seeds",
    "one SNR only",
    "1 of 2 decoders decode no better than chance and are left out of means",
)


def test_it_tells_how_it_was_run_and_what_is_missing(told):
    for fact in FACTS:
        assert fact in told
    assert "&#34;learning_rate&#34;: 0.001" in told


def test_the_verdict_table_has_a_row_a_method_and_a_column_a_property():
    table = judged(headline(tidy_table(["DeepLift", "LRP"])))
    shown = verdict_table(table[table["feature"] == "spatial"], "spatial")
    assert [row[0].text for row in shown.rows] == ["DeepLift", "LRP"]
    names = [one.name for one in (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)]
    assert shown.columns == ["method", "verdict", *names, "decoders", "seeds"]
    row = table.query("feature == 'spatial' and method == 'LRP'").iloc[0]
    assert shown.rows[1][3].text == f"{MARKS[row['efficient']]} {row['efficient_value']:.2f}"


def test_numbers_keep_their_value_for_sorting():
    column = Column("calibrated", "calibrated score")
    cell = result_cell(measured(-0.123, -0.346, 0.1), column)
    assert (cell.text, float(cell.sort)) == ("−0.12", -0.123)
    assert (cell.interval, cell.spread) == ("[−0.35, 0.10]", "±0.22")
    assert result_cell(measured(np.nan, np.nan, np.nan), column).sort == ""
    assert result_cell(measured(0.5, np.nan, np.nan), column).interval == ""


def measured(*values):
    names = ("calibrated", "calibrated_low", "calibrated_high")
    return dict(zip(names, values, strict=True))


def test_packed_pictures_keep_their_colours():
    ramp = np.linspace(0, 1, 1000)[:, None] * np.ones(100)
    drawn, rare = io.BytesIO(), np.zeros((30, 100, 3), np.uint8)
    rare[:, :] = (160, 20, 30)  # few pixels of a colour beside many of another
    image = np.concatenate([np.uint8(255 * colormaps["Blues"](ramp)[..., :3]), rare])
    Image.fromarray(image).save(drawn, "png")
    with Image.open(io.BytesIO(palette_png(drawn.getvalue()))) as small:
        found = np.asarray(small.convert("RGB")).astype(int)
    assert abs(found - image).max() < 24
    assert len(palette_png(drawn.getvalue())) <= len(drawn.getvalue())


def test_the_answer_names_methods_that_pass_everywhere():
    table = judged(headline(tidy_table(["DeepLift", "LRP", "RandomMap"])))
    table["verdict"] = [PASSES, FAILS, FAILS, PASSES, DUPLICATE, FAILS]
    table["duplicate_of"] = ["", "", "", "", "DeepLift", ""]
    assert verdict_answer(table) == [
        "DeepLift passes for every feature type.",
        "temporal: DeepLift passes; LRP fails.",
        "spatial: DeepLift (= LRP) passes.",
        "3 seeds: intervals are over seeds.",
    ]
    table["verdict"] = NO_SCORE
    assert "No method is judged" in verdict_answer(table)[0]
    assert "only controls have scores" in verdict_answer(table[table["method"] == "RandomMap"])[0]
    assert "no better than chance" in verdict_answer(table.assign(at_chance=table["n_decoders"]))[0]


def test_without_corrected_scores_the_answer_is_by_the_studys_rules():
    table = judged(headline(tidy_table(["DeepLift", "LRP"], features=("temporal",))))
    table["verdict"], table["study_verdict"] = NO_SCORE, [SHOWN, REFUTED]
    assert verdict_answer(table)[1:] == ["temporal: DeepLift passes by the study's rules."]
    assert len(verdict_answer(table.assign(study_verdict=NO_SCORE))) == 1


def test_what_fails_without_a_refuted_number_is_explained():
    tidy = tidy_table(["DeepLift", "LRP"], features=("temporal",))
    tidy.loc[tidy["method"] == "DeepLift", "flags"] = "0.9 of the promised sum"
    table = judged(headline(tidy))
    n = table["n_decoders"].iloc[0]
    against = f"a validity check failed on {n} of {n} decoders (0.9 of the promised sum)"
    assert f"✗ DeepLift: {against}" in verdict_notes(table)
    table["verdict"] = NOT_APPLICABLE
    assert (
        "–: DeepLift and LRP have no usable map (eegxai validity gives the reason)"
        in verdict_notes(table)
    )


def test_why_methods_have_no_score_over_frequency_is_said():
    table = judged(headline(tidy_table(["DeepLift", "GradCAM"], features=("spectral",))))
    said = "–: GradCAM can say nothing about frequency, which is scored here"
    assert said not in verdict_notes(table)
    table["verdict"] = [PASSES, NO_SCORE]
    assert said in verdict_notes(table)
    assert said not in verdict_notes(table.assign(feature="temporal"))
    assert said not in verdict_notes(table.assign(verdict=NO_SCORE))  # of another evaluation


def test_many_methods_are_counted_with_their_duplicates():
    names = [
        "Saliency",
        "InputXGradient",
        "DeepLift",
        "GradCAM",
        "FullGrad",
        "ScoreCAM",
        "LayerCAM",
    ]
    table = judged(headline(tidy_table([*names, "LRP"], features=("temporal",))))
    table["verdict"], table["duplicate_of"] = FAILS, ""
    table.loc[table["method"] == "LRP", ["verdict", "duplicate_of"]] = DUPLICATE, "InputXGradient"
    expected = "temporal: none passes; 8 methods (1 of them duplicates) fail."
    assert verdict_answer(table)[0] == expected


@pytest.mark.parametrize("by", [("feature", "seed"), ("feature", "snr_db", "seed", "architecture")])
def test_the_answer_for_each_seed_finds_the_originals_of_duplicates(by):
    tidy = tidy_table(["DeepLift", "LRP"], features=("temporal",), snrs=(-3.5,))
    table = judged(headline(tidy, by))
    passing, same = table["seed"] == 1, table["method"] == "LRP"
    table["verdict"] = np.select([same, passing], [DUPLICATE, PASSES], FAILS)
    table["duplicate_of"] = np.where(same, "DeepLift", "")
    whole, *parts, scope = verdict_answer(table, by)
    assert scope.startswith("One seed each: intervals are over trials")
    assert all("temporal, " in part and "seed " in part for part in parts)
    assert whole == "No method passes for every group."
    assert ["DeepLift (= LRP) passes." in part for part in parts] == [
        values[by.index("seed")] == 1 for values, _ in table.groupby(list(by), sort=False)
    ]


def test_a_duplicate_of_what_is_not_in_the_table_is_judged_by_its_own_numbers():
    tidy = tidy_table(["LRP"], features=("temporal",))
    tidy = tidy.assign(duplicate_of="InputXGradient", flags="equals InputXGradient")
    table = judged(headline(tidy))
    assert list(table["verdict"]) == [DUPLICATE]
    assert verdict_answer(table)[0] == "temporal: none passes; LRP fails."


def test_flags_are_counted_by_decoder():
    tidy = tidy_table(["DeepLift", "LRP"])
    flagged = (tidy["method"] == "LRP") & (tidy["architecture"] == "deepnet")
    tidy.loc[flagged, ["validity", "flags"]] = ["duplicate", "equals InputXGradient"]
    (row,) = flagged_table(tidy).rows
    n_decoders = len(tidy[flagged].drop_duplicates(list(AXES)))
    assert [cell.text for cell in row] == [
        "LRP", "deepnet", "duplicate", str(n_decoders), "temporal, spatial",
        "equals InputXGradient",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_command_writes_one_file_of_a_real_sweep(done_tiny, tmp_path):
    assert set(done_tiny.grid.method) - set(METHODS)  # baselines are among them
    target = tmp_path / "pages" / "report.html"
    target.parent.mkdir()
    target.write_text("an older report, whose place it takes")
    # So little training leaves the decoders at chance.
    given = ["report", "tiny.yaml", "--keep-at-chance", "--out", "pages/report.html"]
    result = RUNNER.invoke(app, given)
    assert result.exit_code == 0, result.output
    assert list(target.parent.iterdir()) == [target]
    text = target.read_text()
    assert target.stat().st_size < MOST_BYTES
    assert [s["id"] for s in Page(text).all("section")] == SECTIONS
    assert len(Page(text).all("figure")) == 6
    assert "Every cell of the sweep is done." in text
    assert "CPUs" in text


def test_there_is_no_report_of_nothing(tiny_file, tmp_path):
    result = RUNNER.invoke(app, ["report", str(tiny_file), "--out", "report.html"])
    assert result.exit_code == 2
    asked = "eegxai: no method of the sweep 'tiny' is scored yet with these settings"
    assert result.output == f"{asked}; run: eegxai sweep with the same arguments\n"
    assert not (tmp_path / "report.html").exists()


def test_a_folder_in_the_place_of_the_file_is_told(tiny_file, tmp_path):
    result = RUNNER.invoke(app, ["report", str(tiny_file), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "is a folder; it must be a file such as report.html" in result.output
