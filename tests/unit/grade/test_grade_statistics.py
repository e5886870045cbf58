"""The vector of a frame's numbers, alone and beside a baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astro_monitor import metrics
from astro_monitor.grade.profile import PROFILE_NUMBERS
from astro_monitor.grade.statistics import LARGEST, MAP_SLICES, NUMBERS, STATISTICS_LENGTH, Context, statistics
from astro_monitor.records import Spread

FLAT = np.full(48, 500.0)
NO_PROFILE = [None] * len(PROFILE_NUMBERS)
ALONE = Context(spreads={}, size=0)


def numbers_of(vector):
    """Known numbers by name; ``None`` for missing ones."""
    values, flags = vector[: len(NUMBERS)], vector[len(NUMBERS) : 2 * len(NUMBERS)]
    return {name: float(value) if flag else None for name, value, flag in zip(NUMBERS, values, flags, strict=True)}


def test_nothing_known_is_a_finite_vector():
    vector = statistics(dict.fromkeys(metrics.KEYS), FLAT, 1, NO_PROFILE, ALONE)
    assert vector.shape == (STATISTICS_LENGTH,)
    assert np.isfinite(vector).all()
    known = {name for name, value in numbers_of(vector).items() if value is not None}
    assert known == {"log_baseline_size", "firm_baseline", "log2_stamp_bin", "log_site_over_default"}


def test_ratios_need_a_baseline(measurements):
    values = measurements(fwhm_px=4.5).values
    assert numbers_of(statistics(values, FLAT, 1, NO_PROFILE, ALONE))["ratio_fwhm_px"] is None
    context = Context(spreads={"fwhm_px": Spread(median=3.0, mad=0.1)}, size=8)
    found = numbers_of(statistics(values, FLAT, 1, NO_PROFILE, context))
    assert found["ratio_fwhm_px"] == pytest.approx(math.log(1.5), abs=1e-6)
    assert found["firm_baseline"] == 1


def test_scale_and_site_give_a_prior(measurements):
    values = measurements(fwhm_px=3.0, fwhm_arcsec=6.0, fwhm_minor_px=2.0).values
    found = numbers_of(statistics(values, FLAT, 1, NO_PROFILE, Context(spreads={}, size=0, normal_fwhm_arcsec=2.0)))
    assert found["log_fwhm_over_site"] == pytest.approx(math.log(3), abs=1e-6)
    assert found["log_minor_over_site"] == pytest.approx(math.log(2), abs=1e-6)
    assert found["log_site_over_default"] == pytest.approx(math.log(2 / 3), abs=1e-6)


def test_absurd_values_are_cut_off(measurements):
    values = measurements(fwhm_px=1e300, snr_median=float("nan"), star_count=float("inf")).values
    vector = statistics(values, FLAT, 1, NO_PROFILE, ALONE)
    assert np.abs(vector).max() <= LARGEST
    assert numbers_of(vector)["snr_median"] is None


def test_a_bright_corner_shows_in_the_map(measurements):
    cells = FLAT.copy()
    cells[0] += 200
    sky_map = statistics(measurements().values, cells, 1, NO_PROFILE, ALONE)[MAP_SLICES[0]]
    assert sky_map[0] == pytest.approx(math.asinh(3 * 200 / 400), abs=1e-5)
    assert not sky_map[1:].any()


@pytest.mark.parametrize(("angle_deg", "change"), [(0.0, 0.0), (90.0, math.sqrt(2)), (180.0, 2.0)])
def test_gradients_are_compared_as_vectors(measurements, angle_deg, change):
    values = measurements(background_gradient_adu=400.0, background_gradient_angle_deg=angle_deg).values
    spreads = {
        "background_gradient_adu": Spread(median=400.0, mad=1.0),
        "background_gradient_angle_deg": Spread(median=0.0, mad=5.0),
        "sky_above_pedestal_adu": Spread(median=400.0, mad=1.0),
    }
    found = numbers_of(statistics(values, FLAT, 1, NO_PROFILE, Context(spreads=spreads, size=9)))
    assert math.exp(found["log_gradient_change_over_normal_sky"]) == pytest.approx(max(change, 1e-4), rel=1e-4)


def test_a_field_that_lost_all_stars_has_a_ratio(measurements):
    values = measurements(star_count=0.0).values
    context = Context(spreads={"star_count": Spread(median=80.0, mad=3.0)}, size=9)
    assert numbers_of(statistics(values, FLAT, 1, NO_PROFILE, context))["ratio_star_count"] < -6


USUAL = {
    "sky_above_pedestal_adu": Spread(median=400.0, mad=1.0),
    "background_noise_adu": Spread(median=10.0, mad=1.0),
}


def test_the_usual_pattern_of_the_sky_is_no_change(measurements):
    pattern = np.linspace(-0.5, 0.5, 48)
    context = Context(spreads=USUAL, size=9, sky_pattern=tuple(400 * pattern))
    values = measurements(sky_above_pedestal_adu=800.0, background_noise_adu=14.0).values
    vector = statistics(values, 900 + 800 * pattern, 1, NO_PROFILE, context)
    assert np.abs(vector[MAP_SLICES[1]]).max() < 1e-3
    assert np.abs(vector[MAP_SLICES[0]]).max() > 0.5


def test_a_leak_stands_out_of_the_usual_pattern(measurements):
    pattern = np.linspace(-0.5, 0.5, 48)
    context = Context(spreads=USUAL, size=9, sky_pattern=tuple(400 * pattern))
    cells = 900 + 400 * pattern
    cells[7] += 0.3 * 400
    change = statistics(measurements().values, cells, 1, NO_PROFILE, context)[MAP_SLICES[1]]
    assert change[7] == pytest.approx(math.asinh(5 * 0.3), abs=0.02)
    assert np.abs(np.delete(change, 7)).max() < 0.02


def test_usual_elongation_leaves_no_excess(measurements):
    spreads = {
        "trail_plus_px2": Spread(median=4.0, mad=0.1),
        "trail_cross_px2": Spread(median=-3.0, mad=0.1),
        "fwhm_minor_px": Spread(median=2.0, mad=0.1),
    }
    context = Context(spreads=spreads, size=9)
    usual = measurements(trail_plus_px2=4.0, trail_cross_px2=-3.0, fwhm_minor_px=2.0).values
    found = numbers_of(statistics(usual, FLAT, 1, NO_PROFILE, context))
    assert found["log_excess_trail_over_width"] == 0
    assert found["normal_trail_over_width"] == pytest.approx(math.sqrt(5) / 2, rel=1e-5)
    turned = measurements(trail_plus_px2=-4.0, trail_cross_px2=3.0, fwhm_minor_px=2.0).values
    found = numbers_of(statistics(turned, FLAT, 1, NO_PROFILE, context))
    assert found["log_excess_trail_over_width"] == pytest.approx(math.log1p(math.sqrt(10) / 2), rel=1e-5)
