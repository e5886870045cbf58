"""Where there is no picture, nothing is counted: no star near a border is measured, no empty cell is dead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.measure.stamps import covered_cells, inside
from astro_monitor.testing.measuring import measured_against


def test_a_frame_with_a_border(make_frame, make_detections, draw_field, profile, no_baseline) -> None:
    field = draw_field(count=1200)
    above = field.y >= 150
    image = field.image(profile(3.0))
    plain = make_frame(image)
    detections = make_detections(field.x[above], field.y[above], field.peak[above])
    border = np.zeros(image.shape, np.bool_)
    border[:150] = True
    bordered = replace(plain, border=border)
    assert np.all(detections.y_px[inside(bordered, detections)] >= 150 + 12)
    assert np.count_nonzero(inside(plain, detections)) > np.count_nonzero(inside(bordered, detections))
    covered = covered_cells(bordered)
    assert covered[:8] == pytest.approx(np.zeros(8))
    assert covered[-8:] == pytest.approx(np.ones(8))
    without = measured_against(plain, detections, no_baseline)[1].values
    with_border = measured_against(bordered, detections, no_baseline)[1].values
    assert without["dead_cell_fraction"] > 0.15
    assert with_border["dead_cell_fraction"] == 0.0
    assert with_border["star_density_mpx"] == pytest.approx(without["star_density_mpx"] / 0.75, rel=0.01)
