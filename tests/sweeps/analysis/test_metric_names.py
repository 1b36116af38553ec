"""Names that people use for metrics lead to the metrics."""

import re

import pytest

from eegxai.evaluation.metrics.names import NAMED_METRICS, NOT_COMPUTED, metric_named, metric_title
from sweeps.analysis.quantity import KNOWN_METRICS, quantity_named
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "evaluation.md").read_text()


def test_every_name_is_of_a_metric_and_of_one_alone():
    assert {named.metric for named in NAMED_METRICS} <= set(KNOWN_METRICS)
    names = [name for named in NAMED_METRICS for name in {named.metric, *named.aliases}]
    assert len(names) == len(set(names))
    assert not set(names) & set(NOT_COMPUTED)


@pytest.mark.parametrize("name", KNOWN_METRICS)
def test_a_metric_is_named_by_its_own_name(name):
    assert metric_named(name) == name
    assert metric_title(name)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("RMA", "mass_clipped"),
        ("Relevance Mass Accuracy", "mass_clipped"),
        ("relevance-rank-accuracy", "rank"),
        ("AUC", "auroc_magnitude"),
        ("AuPRC", "auprc_magnitude"),
        (" cosine ", "cosine_clipped"),
        ("Pearson", "pearson_raw"),
    ],
)
def test_capitals_blanks_and_hyphens_do_not_matter(name, metric):
    assert metric_named(name) == metric


def test_what_is_not_computed_is_told_with_the_nearest():
    with pytest.raises(ValueError, match=r"'IoU' is not computed.*'rank_magnitude'"):
        metric_named("IoU")


def test_the_page_lists_the_names():
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    for named in NAMED_METRICS:
        if named.aliases:
            assert re.findall(r"`(\w+)`", rows[named.metric]) == list(named.aliases)


def test_a_misspelt_short_name_is_led_to_it():
    with pytest.raises(ValueError, match=r"metric 'rmaa' is unknown; did you mean 'rma'\?"):
        quantity_named("rmaa").require_known()
