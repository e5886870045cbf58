"""Frames in another unit are not cloudy frames, and the brightness of a subtracted sky follows from its noise."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.records import Baseline, Spread
from astro_monitor.testing.measuring import measured_against

EXTINCTION = ("transparency", "extinction_mag", "extinction_scatter_mag", "extinction_patch_mag")


def measured(make_frame, make_detections, field, profile, baseline, *, factor=1.0, light=1.0):
    image = field.image(profile(3.0), light=light).astype(np.float32) * np.float32(factor)
    frame = make_frame(image, saturation=60000.0 * factor)
    detections = make_detections(
        field.x, field.y, field.peak * light * factor, sky=1000.0 * factor, noise=10.0 * factor
    )
    return measured_against(frame, detections, baseline)[1]


@pytest.fixture
def usual(make_frame, make_detections, field, profile, no_baseline) -> Baseline:
    first = measured(make_frame, make_detections, field, profile, no_baseline)
    noise = first.values["background_noise_adu"]
    return Baseline(
        key=no_baseline.key, size=1, reference_stars=first.bright_stars,
        spreads={"background_noise_adu": Spread(median=noise, mad=0.1)},
    )  # fmt: skip


@pytest.mark.parametrize("factor", [1 / 65535, 1 / 16, 16.0, 256.0])
def test_the_same_stars_in_another_unit(make_frame, make_detections, field, profile, usual, factor: float) -> None:
    measurements = measured(make_frame, make_detections, field, profile, usual, factor=factor)
    assert measurements.values["unit_ratio"] == pytest.approx(factor, rel=0.02)
    assert measurements.values["matched_star_count"] > 50
    for key in EXTINCTION:
        assert measurements.values[key] is None
        assert "another unit" in measurements.why_missing[key]


@pytest.mark.parametrize("light", [0.06, 0.3, 1.0])
def test_cloud_takes_light_and_leaves_the_noise(make_frame, make_detections, field, profile, usual, light) -> None:
    measurements = measured(make_frame, make_detections, field, profile, usual, light=light)
    assert measurements.values["unit_ratio"] is None
    assert measurements.values["transparency"] == pytest.approx(light, rel=0.1)
    assert "unit of earlier frames" in measurements.why_missing["unit_ratio"]


def test_a_subtracted_sky_is_as_bright_as_its_noise_says(make_frame, make_detections, field, profile, no_baseline):
    above, effective, error = [], [], []
    for shift in (-3.0, -0.5, 0.5, 3.0, 20.0):
        image = field.image(profile(3.0), sky=1000.0, noise=30.0).astype(np.float32) - np.float32(1000.0 - shift)
        detections = make_detections(field.x, field.y, field.peak, sky=shift, noise=30.0)
        values = measured_against(make_frame(image), detections, no_baseline)[1].values
        above.append(values["sky_above_pedestal_adu"])
        effective.append(values["effective_sky_adu"])
        error.append(values["effective_sky_error_fraction"])
    assert above[0] > 30.0
    assert above[:4] == pytest.approx([above[0]] * 4, rel=0.02)
    # A level of 20 ADU may also be a calibrated frame: the sky that noise can see is the same within its stated error.
    assert effective == pytest.approx([effective[0]] * 5, rel=min(error))
