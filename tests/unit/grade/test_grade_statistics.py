"""The vector of a frame's numbers, alone and next to a baseline; the maps of its sky."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astro_monitor import metrics
from astro_monitor.grade.known import Context, Known
from astro_monitor.grade.profile import PROFILE_NUMBERS
from astro_monitor.grade.skymaps import MAP_CHANNELS, sky_maps
from astro_monitor.grade.statistics import ALONE_LENGTH, LARGEST, NUMBERS, STATISTICS_LENGTH, statistics
from astro_monitor.records import Spread

FLAT = np.full(48, 500.0)
NO_PROFILE = [None] * len(PROFILE_NUMBERS)
ALONE = Context(spreads={}, size=0)
USUAL = {
    "sky_above_pedestal_adu": Spread(median=400.0, mad=1.0),
    "effective_sky_adu": Spread(median=400.0, mad=1.0),
    "background_noise_adu": Spread(median=10.0, mad=1.0),
    "background_adu": Spread(median=900.0, mad=1.0),
}


def vector(values, context=ALONE, cells=FLAT):
    known = Known.of(values, 1, NO_PROFILE, context)
    return statistics(known, sky_maps(cells, known))


def numbers(values, context=ALONE, cells=FLAT):
    """Return the known numbers by name; ``None`` for missing ones."""
    found = dict(zip(NUMBERS, vector(values, context, cells).tolist(), strict=True))
    return {name: value if found.get(f"knows_{name}", 1.0) else None for name, value in found.items()}


def channel(values, name, context=ALONE, cells=FLAT):
    """Return one map of the sky, (48,)."""
    maps = sky_maps(cells, Known.of(values, 1, NO_PROFILE, context)).maps
    return maps[..., MAP_CHANNELS.index(name)].ravel()


def test_nothing_known_is_a_finite_vector():
    values = vector(dict.fromkeys(metrics.KEYS))
    assert values.shape == (STATISTICS_LENGTH,) == (len(NUMBERS),)
    assert np.isfinite(values).all()
    flags = {name for name, value in zip(NUMBERS, values, strict=True) if name.startswith("knows_") and value}
    assert flags == {"knows_log_baseline_size", "knows_firm_baseline", "knows_log2_stamp_bin",
                     "knows_log_site_over_default"}  # fmt: skip


def test_what_a_frame_is_by_itself_does_not_change_with_its_baseline(measurements):
    values = measurements(fwhm_px=4.5, effective_sky_adu=350.0).values
    context = Context(spreads=USUAL, size=9, sky_pattern=tuple(np.linspace(-0.5, 0.5, 48)), sky_stray=0.1)
    assert np.array_equal(vector(values)[:ALONE_LENGTH], vector(values, context)[:ALONE_LENGTH])


def test_ratios_need_a_baseline(measurements):
    values = measurements(fwhm_px=4.5).values
    assert numbers(values)["ratio_fwhm_px"] is None
    context = Context(spreads={"fwhm_px": Spread(median=3.0, mad=0.1)}, size=8)
    found = numbers(values, context)
    assert found["ratio_fwhm_px"] == pytest.approx(math.log(1.5), abs=1e-6)
    assert found["firm_baseline"] == 1


def test_a_prior_of_another_night_is_not_firm(measurements):
    assert numbers(measurements().values, Context(spreads={}, size=15, prior=True))["firm_baseline"] == 0


def test_scale_and_site_give_a_prior(measurements):
    values = measurements(fwhm_px=3.0, fwhm_arcsec=6.0, fwhm_minor_px=2.0).values
    found = numbers(values, Context(spreads={}, size=0, normal_fwhm_arcsec=2.0))
    assert found["log_fwhm_over_site"] == pytest.approx(math.log(3), abs=1e-6)
    assert found["log_minor_over_site"] == pytest.approx(math.log(2), abs=1e-6)
    assert found["log_site_over_default"] == pytest.approx(math.log(2 / 3), abs=1e-6)


def test_absurd_values_are_cut_off(measurements):
    values = measurements(fwhm_px=1e300, snr_median=float("nan"), star_count=float("inf")).values
    assert np.abs(vector(values)).max() <= LARGEST
    assert numbers(values)["snr_median"] is None


def test_a_bright_corner_shows_in_the_map(measurements):
    cells = FLAT.copy()
    cells[0] += 200
    sky_map = channel(measurements().values, "now", cells=cells)
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
    found = numbers(values, Context(spreads=spreads, size=9))
    assert math.exp(found["log_gradient_change_over_normal_sky"]) == pytest.approx(max(change, 1e-4), rel=1e-4)


def test_gradients_are_measured_in_the_sky_that_noise_can_see(measurements):
    spreads = USUAL | {"effective_sky_adu": Spread(median=800.0, mad=1.0)}
    found = numbers(measurements(background_gradient_adu=80.0).values, Context(spreads=spreads, size=9))
    assert found["log_gradient_over_normal_sky"] == pytest.approx(math.log(0.1), abs=1e-5)


def test_a_brighter_sky_is_told_without_the_level_of_no_light(measurements):
    values = measurements(background_adu=900.0 + 3 * 400.0, sky_above_pedestal_adu=None).values
    found = numbers(values, Context(spreads=USUAL, size=9))
    assert found["brightening_over_normal_sky"] == pytest.approx(math.asinh(10.0), abs=1e-5)


def test_a_field_that_lost_all_stars_has_a_ratio(measurements):
    context = Context(spreads={"star_count": Spread(median=80.0, mad=3.0)}, size=9)
    assert numbers(measurements(star_count=0.0).values, context)["ratio_star_count"] < -6


def test_the_usual_pattern_of_the_sky_is_no_change(measurements):
    pattern = np.linspace(-0.5, 0.5, 48)
    context = Context(spreads=USUAL, size=9, sky_pattern=tuple(400 * pattern))
    values = measurements(sky_above_pedestal_adu=800.0, effective_sky_adu=800.0, background_noise_adu=14.0).values
    assert np.abs(channel(values, "change", context, 900 + 800 * pattern)).max() < 1e-3
    assert np.abs(channel(values, "now", context, 900 + 800 * pattern)).max() > 0.5
    assert channel(values, "usual", context)[0] == pytest.approx(math.asinh(3 * -0.5), abs=1e-5)


def test_a_leak_stands_out_of_the_usual_pattern(measurements):
    pattern = np.linspace(-0.5, 0.5, 48)
    context = Context(spreads=USUAL, size=9, sky_pattern=tuple(400 * pattern))
    cells = 900 + 400 * pattern
    cells[7] += 0.3 * 400
    change = channel(measurements(effective_sky_adu=400.0).values, "change", context, cells)
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
    found = numbers(usual, context)
    assert found["log_moments_excess_over_width"] == 0
    assert found["normal_trail_over_width"] == pytest.approx(math.sqrt(5) / 2, rel=1e-5)
    turned = measurements(trail_plus_px2=-4.0, trail_cross_px2=3.0, fwhm_minor_px=2.0).values
    found = numbers(turned, context)
    assert found["log_moments_excess_over_width"] == pytest.approx(math.log1p(math.sqrt(10) / 2), rel=1e-5)


def test_the_excess_is_told_by_the_same_stars_and_by_the_kernel_too(measurements):
    values = measurements(
        matched_trail_plus_px2=3.0, matched_trail_cross_px2=4.0, kernel_length_px=3.0, fwhm_minor_px=2.0,
        matched_width_ratio=1.5,
    ).values  # fmt: skip
    found = numbers(values, Context(spreads={"fwhm_minor_px": Spread(median=4.0, mad=0.1)}, size=9))
    assert found["same_stars_excess_over_width"] == pytest.approx(math.sqrt(5) / 2, rel=1e-5)
    assert found["kernel_excess_over_width"] == pytest.approx(1.5)
    assert found["log_kernel_excess_over_normal_width"] == pytest.approx(math.log1p(0.75), rel=1e-5)
    assert found["log_matched_width_ratio"] == pytest.approx(math.log(1.5), rel=1e-5)
