"""The references of a trial side by side: what is drawn is what was given."""

import numpy as np

from eegxai.figures import ScalpAndTime, references_of_trial
from eegxai.head import montage_info

INFO = montage_info(250.0)


def test_each_column_has_its_title_and_is_relative_to_its_peak():
    ramp, course = np.linspace(-1, 3, len(INFO.ch_names)), np.array([0.0, 2.0, -4.0])
    shown = {"small": ScalpAndTime(1e-9 * ramp, 1e-9 * course), "large": ScalpAndTime(ramp, course)}
    shown["noted"] = ScalpAndTime(0 * ramp, 0 * course, "nothing")
    figure = references_of_trial(shown, INFO, (-200, 1000))
    heads, courses = figure.axes[:3], figure.axes[3:6]
    assert [ax.get_title() for ax in heads] == ["small\n", "large\n", "noted\nnothing"]
    small, large, nothing = (ax.images[0].get_array() for ax in heads)
    np.testing.assert_allclose(small, large, atol=1e-9)
    assert not np.nan_to_num(nothing).any()
    for ax, peak in zip(courses, (1, 1, 0), strict=True):
        above, below = (part.get_data() for part in ax.patches)
        np.testing.assert_allclose(above.values + below.values, peak * course / 4)
        np.testing.assert_allclose(above.edges, [-200, 200, 600, 1000])
