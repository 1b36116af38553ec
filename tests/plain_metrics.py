"""The sixteen metrics as their definitions read: a trial at a time, with other libraries."""

import numpy as np
from scipy.stats import pearsonr
from skimage.metrics import structural_similarity
from sklearn.metrics.pairwise import cosine_similarity

NAMES = {
    *("ssim_top5", "ssim_clipped", "ssim_minmax", "ssim_raw"),
    *("cosine_top5", "cosine_clipped", "cosine_minmax", "cosine_raw"),
    *("mass_top5", "mass_minmax", "mass_clipped", "rank"),
    *("pearson_topk", "pearson_clipped", "pearson_minmax", "pearson_raw"),
}


def minmax(values):
    return (values - values.min()) / (values.max() - values.min())


def top5(values):
    return np.where(values < np.percentile(values, 95), 0, values)


def plain_ssim(reference, explanation, mask):
    def image(pixels):
        filled = np.zeros(mask.shape)
        filled[mask] = pixels
        return filled

    extent = explanation.max() - explanation.min()
    _, local = structural_similarity(
        image(reference), image(explanation), win_size=7, data_range=extent, full=True
    )
    return local[3:-3, 3:-3][mask[3:-3, 3:-3]].mean()


def plain(attribution, reference, mask):
    """All sixteen metrics of one trial, as their definitions read."""
    e, r = attribution[mask], reference[mask]
    e_norm, e_clip, e_top5 = minmax(e), minmax(np.maximum(e, 0)), top5(e)
    r_norm, r_top5 = minmax(r), top5(minmax(r))
    kth = np.sort(e_clip)[-np.sum(r > 0)]
    e_topk = np.where(e_clip < kth, 0, e_clip)
    support = r != 0
    scores = {"rank": np.sum(e_topk[support] != 0) / np.sum(e_topk != 0)}
    pairs = {
        "top5": (e_top5, r_top5),
        "clipped": (e_clip, r_norm),
        "minmax": (e_norm, r_norm),
        "raw": (e, r_norm),
    }
    for name, (a, b) in pairs.items():
        scores[f"ssim_{name}"] = plain_ssim(b, a, mask)
        scores[f"cosine_{name}"] = cosine_similarity(a[None], b[None]).item()
    for name, a in {"top5": e_top5, "clipped": e_clip, "minmax": e_norm}.items():
        scores[f"mass_{name}"] = np.abs(a[support]).sum() / a.sum()
    pairs["topk"] = e_topk, pairs.pop("top5")[1]
    for name, (a, b) in pairs.items():
        scores[f"pearson_{name}"] = pearsonr(a, b).statistic
    return scores


def study_row(explanation, reference):
    """All sixteen metrics of one trial, and whether the study's code skips it."""
    if not (explanation > 0).any() or not (reference != 0).any():
        return dict.fromkeys(NAMES, 0.0), True
    return plain(explanation, reference, np.ones(explanation.shape, bool)), False


def study_scores(explanations, references):
    """Mean and standard deviation of each metric over the trials, and the number of zero rows."""
    rows, skipped = zip(*map(study_row, explanations, references), strict=True)
    values = {name: np.array([row[name] for row in rows]) for name in NAMES}
    moments = {name: (v.mean(), v.std(ddof=1)) for name, v in values.items()}
    return moments, sum(skipped)
