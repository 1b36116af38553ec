"""Places in the brain by name: centres of cortical areas, and the dipoles of the study.

A feature type in YAML or Python may name a region instead of coordinates.
"""

from collections.abc import Mapping
from typing import Any

from eegxai.registry import lookup

Position = tuple[float, float, float]  # MNI mm

# Centres of gyri in the automated anatomical labelling atlas (AAL: Tzourio-Mazoyer et al. 2002,
# NeuroImage 15:273-289), left and right, as listed for BrainNet Viewer (Xia et al. 2013, PLoS ONE
# 8:e68910). A centre is inside the gyrus and thus deeper than its crown.
AAL: Mapping[str, tuple[Position, Position]] = {
    "precentral": ((-38.65, -5.68, 50.94), (41.37, -8.21, 52.09)),
    "superior_frontal": ((-18.45, 34.81, 42.2), (21.9, 31.12, 43.82)),
    "middle_frontal": ((-33.43, 32.73, 35.46), (37.59, 33.06, 34.04)),
    "inferior_frontal_opercular": ((-48.43, 12.73, 19.02), (50.2, 14.98, 21.41)),
    "inferior_frontal_triangular": ((-45.58, 29.91, 13.99), (50.33, 30.16, 14.17)),
    "supplementary_motor": ((-5.32, 4.85, 61.38), (8.62, 0.17, 61.85)),
    "medial_frontal": ((-4.8, 49.17, 30.89), (9.1, 50.84, 30.22)),
    "insula": ((-35.13, 6.65, 3.44), (39.02, 6.25, 2.08)),
    "anterior_cingulate": ((-4.04, 35.4, 13.95), (8.46, 37.01, 15.84)),
    "middle_cingulate": ((-5.48, -14.92, 41.57), (8.02, -8.83, 39.79)),
    "posterior_cingulate": ((-4.85, -42.92, 24.67), (7.44, -41.81, 21.87)),
    "calcarine": ((-7.14, -78.67, 6.44), (15.99, -73.15, 9.4)),
    "cuneus": ((-5.93, -80.13, 27.22), (13.51, -79.36, 28.23)),
    "lingual": ((-14.62, -67.56, -4.63), (16.29, -66.93, -3.87)),
    "superior_occipital": ((-16.54, -84.26, 28.17), (24.29, -80.85, 30.59)),
    "middle_occipital": ((-32.39, -80.73, 16.11), (37.39, -79.7, 19.42)),
    "fusiform": ((-31.16, -40.3, -20.23), (33.97, -39.1, -20.18)),
    "postcentral": ((-42.46, -22.63, 48.92), (41.43, -25.49, 52.55)),
    "superior_parietal": ((-23.45, -59.56, 58.96), (26.11, -59.18, 62.06)),
    "inferior_parietal": ((-42.8, -45.82, 46.74), (46.46, -46.29, 49.54)),
    "supramarginal": ((-55.79, -33.64, 30.45), (57.61, -31.5, 34.48)),
    "angular": ((-44.14, -60.82, 35.59), (45.51, -59.98, 38.63)),
    "precuneus": ((-7.24, -56.07, 48.01), (9.98, -56.05, 43.77)),
    "paracentral": ((-7.63, -25.36, 70.07), (7.48, -31.59, 68.09)),
    "heschl": ((-41.99, -18.88, 9.98), (45.86, -17.15, 10.41)),
    "superior_temporal": ((-53.16, -20.68, 7.13), (58.15, -21.78, 6.8)),
    "middle_temporal": ((-55.52, -33.8, -2.2), (57.47, -37.23, -1.47)),
    "inferior_temporal": ((-49.77, -28.05, -23.17), (53.69, -31.07, -22.32)),
}

# The dipoles of the published re-creation of the study's data, see docs/simulation.md.
REGION_1: tuple[Position, ...] = (
    (-9.1, -8.5, 60.2),
    (10.1, -6.9, 62.3),
    (4.6, -3.4, 54.3),
    (8.4, -9.9, 57.9),
    (7.5, -1.6, 53.5),
)
REGION_2: tuple[Position, ...] = (
    (-2.6, -33.9, 54.5),
    (-3.5, -30.7, 52.1),
    (-4.1, -43.2, 49.7),
    (-3.6, -39.2, 46.1),
    (-3.3, -26.0, 50.4),
)
# Left and right alternate; the study counts the 13th, on the midline, as left.
LEFT_AND_RIGHT: tuple[Position, ...] = (
    (-40, -21, 51), (40, -21, 51),
    (-38, -26, 53), (38, -26, 53),
    (-48, -15, 50), (48, -15, 50),
    (-24, -24, 32), (24, -24, 32),
    (-34, -32, 38), (34, -32, 38),
    (-42, 40, 25), (42, 40, 25),
    (0, -4, 65), (8, -12, 52),
)  # fmt: skip
STUDY_LEFT, STUDY_RIGHT = LEFT_AND_RIGHT[0::2], LEFT_AND_RIGHT[1::2]

# A name stands for one dipole or several, of which each trial draws one; an area without a side for
# both.
REGIONS: Mapping[str, tuple[Position, ...]] = {
    **AAL,
    **{f"{area}_left": (left,) for area, (left, _) in AAL.items()},
    **{f"{area}_right": (right,) for area, (_, right) in AAL.items()},
    "study_region_1": REGION_1,
    "study_region_2": REGION_2,
    "study_left": STUDY_LEFT,
    "study_right": STUDY_RIGHT,
}


def positions(value: Any) -> Any:
    """Dipoles, each the name of a region or [x, y, z] in MNI mm, as positions.

    Raises
    ------
    ValueError
        When one of them is neither.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise ValueError(f"dipoles={value!r} must be a list of regions or of [x, y, z] in MNI mm")
    return [place for one in given for place in _place_of_region(one)]


def _place_of_region(one: Any) -> tuple[Any, ...]:
    if isinstance(one, str):
        return lookup(REGIONS, one, "region")
    if not (isinstance(one, list | tuple) and len(one) == 3):
        raise ValueError(f"dipole {one!r} is neither the name of a region nor [x, y, z] in MNI mm")
    return (one,)
