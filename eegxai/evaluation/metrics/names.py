"""What people call metrics: titles for a paper, and the names that other papers and libraries use.

A new name is an entry of :data:`NAMED_METRICS`. Where a name fits several versions of a
metric, it leads to the one of the study's headline, or of the verdict's similarity.
"""

from typing import NamedTuple


class NamedMetric(NamedTuple):
    """A metric as people name it.

    Attributes
    ----------
    metric : str
        Its name in tables of scores.
    title : str
        In a sentence of a paper.
    aliases : tuple of str
        Other names, in small letters.
    """

    metric: str
    title: str
    aliases: tuple[str, ...] = ()


NAMED_METRICS = (
    NamedMetric("mass_clipped", "relevance mass accuracy", ("rma", "mass")),
    NamedMetric("rank", "relevance rank accuracy", ("rra",)),
    NamedMetric(
        "auroc_magnitude", "area under the ROC curve", ("auc", "auroc", "roc_auc", "auc_roc")
    ),
    NamedMetric(
        "auprc_magnitude",
        "average precision",
        ("auprc", "aupr", "ap", "pr_auc", "auc_pr", "area_under_the_precision_recall_curve"),
    ),
    NamedMetric("cosine_clipped", "cosine similarity", ("cosine",)),
    NamedMetric("pearson_raw", "Pearson correlation", ("pearson", "correlation")),
    NamedMetric("spearman_raw", "Spearman correlation", ("spearman", "rank_correlation")),
    NamedMetric("ssim_minmax", "structural similarity", ("ssim", "structural_similarity_index")),
    NamedMetric("band_mass", "share of the relevance in the planted band"),
    NamedMetric("latency_error_ms", "latency error in ms"),
    NamedMetric("dipole_error_mm", "dipole error in mm"),
    NamedMetric("band_error_hz", "error of the band in Hz"),
    NamedMetric("emd_ms", "earth mover's distance in ms"),
    NamedMetric("emd_mm", "earth mover's distance in mm"),
    NamedMetric("emd_hz", "earth mover's distance in Hz"),
    NamedMetric("used_pearson", "Pearson correlation with what the decoder used"),
    NamedMetric("used_spearman", "Spearman correlation with what the decoder used"),
    NamedMetric("ideal_auprc_magnitude", "average precision against the ideal observer"),
    NamedMetric("pearson_raw_area", "mean Pearson correlation over the cascade"),
    NamedMetric("pearson_raw_first_below", "first step of the cascade below the threshold"),
)

# Those in which people compare two methods: RMA, RRA, AUC, AUPRC, cosine, and what was used.
COMPARED_METRICS = (
    "mass_clipped", "rank", "auroc_magnitude", "auprc_magnitude", "cosine_clipped", "used_pearson",
)  # fmt: skip

# Of K pixels and a truth of K pixels that share the fraction r, the intersection is r K and the
# union (2 - r) K.
_NO_IOU = (
    "is not computed; the nearest is 'rank_magnitude', the share r of the K most relevant values "
    "that are among the K true ones: the IoU of the two sets is r / (2 - r)"
)
NOT_COMPUTED = dict.fromkeys(
    ("iou", "jaccard", "jaccard_index", "intersection_over_union"), _NO_IOU
)


def _plain_metric_name(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())


_ALIASES = {
    _plain_metric_name(name): named.metric
    for named in NAMED_METRICS
    for name in (named.metric, named.title, *named.aliases)
}
_TITLES = {named.metric: named.title for named in NAMED_METRICS}
METRIC_ALIASES = {alias for named in NAMED_METRICS for alias in named.aliases}


def metric_named(name: str) -> str:
    """Metric that a person means; a name that is no alias as it is.

    Parameters
    ----------
    name : str
        In capital or small letters, with spaces, hyphens or underscores.

    Raises
    ------
    ValueError
        When it is a metric that is not computed; says which is nearest.

    Examples
    --------
    >>> metric_named("RMA"), metric_named("relevance rank accuracy"), metric_named("mass_signed")
    ('mass_clipped', 'rank', 'mass_signed')
    """
    if reason := NOT_COMPUTED.get(_plain_metric_name(name)):
        raise ValueError(f"metric {name!r} {reason}")
    return _ALIASES.get(_plain_metric_name(name), name)


def metric_title(metric: str) -> str:
    """What a paper calls a metric; versions without a title by that of their kind and their name.

    Examples
    --------
    >>> metric_title("mass_clipped"), metric_title("mass_signed"), metric_title("density")
    ('relevance mass accuracy', 'relevance mass accuracy (mass_signed)', 'density')
    """
    if metric in _TITLES:
        return _TITLES[metric]
    kind = _ALIASES.get(metric.partition("_")[0])
    return f"{_TITLES[kind]} ({metric})" if kind else metric
