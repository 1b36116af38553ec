"""Figures: what they show is what was given, and wrong shapes are told."""

import numpy as np
import pytest

from eegxai.figures import topographies
from eegxai.head import montage_info

INFO = montage_info(250.0)


def test_each_map_has_its_panel_and_its_own_scale(tmp_path):
    ramp = np.linspace(-3, 1, len(INFO.ch_names))
    figure = topographies({"small": 1e-9 * ramp, "large": 1e6 * ramp, "zero": 0 * ramp}, INFO)
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in panels] == ["small", "large", "zero"]
    small, large, zero = (ax.images[0].get_array() for ax in panels)
    np.testing.assert_allclose(small, large, atol=1e-9)
    assert np.nanmin(small) < -0.95  # the picture goes on beyond the outermost electrode
    assert not np.nan_to_num(zero).any()
    figure.savefig(tmp_path / "maps.png")
    assert (tmp_path / "maps.png").stat().st_size > 10_000


def test_a_map_of_another_montage_is_refused():
    with pytest.raises(ValueError, match=r"'odd' has shape \(3,\), allowed is \(62,\)"):
        topographies({"odd": np.zeros(3)}, INFO)
