import numpy as np
import pytest

from astro_monitor.measure.moments import FWHM_PER_SIGMA, hollowness, measure_stamps
from astro_monitor.measure.profile import by_kurtosis, width_over_fwhm


def fwhm_of(stamps):
    shapes = measure_stamps(stamps)
    a, b, _ = shapes.axes()
    ratio = width_over_fwhm(stamps, shapes, np.arange(len(stamps)))
    return FWHM_PER_SIGMA * np.median(np.sqrt((a**2 + b**2) / 2)) / ratio, FWHM_PER_SIGMA * np.median(b) / ratio


@pytest.mark.parametrize("beta", [None, 4.765, 3.5, 2.7])
@pytest.mark.parametrize("fwhm", [1.6, 2.0, 2.5, 3.0, 4.5, 7.0, 12.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_width_at_half_maximum_is_right_for_any_wings(profile, beta, fwhm, noise):
    measured, _ = fwhm_of(profile(fwhm, beta).stamps(noise=noise))
    assert measured == pytest.approx(fwhm, rel=0.03)


@pytest.mark.parametrize("beta", [None, 3.5])
def test_badly_sampled_stars_are_measured_within_six_percent(profile, beta):
    measured, _ = fwhm_of(profile(1.3, beta).stamps(count=60))
    assert measured == pytest.approx(1.3, rel=0.06)


@pytest.mark.parametrize("beta", [None, 3.5])
@pytest.mark.parametrize("times", [0.5, 1.0, 2.0, 4.0, 6.0])
def test_a_trail_leaves_the_width_across_it(profile, beta, times):
    _, minor = fwhm_of(profile(2.5, beta, trail=times * 2.5, angle_deg=-50).stamps(count=8))
    assert minor == pytest.approx(2.5, rel=0.09)


def test_direction_runs_from_x_to_y(profile):
    for angle in (-80.0, -30.0, 0.0, 45.0, 90.0):
        theta = measure_stamps(profile(3.0, trail=6.0, angle_deg=angle).stamps(count=4)).axes()[2]
        assert np.all(np.abs((theta - angle + 90) % 180 - 90) < 1.0)
        assert np.all((theta > -90) & (theta <= 90))


def test_centre_is_found_far_below_a_pixel(profile):
    stamps = profile(3.0).stamps(count=20, seed=5)
    truth = np.random.default_rng(5).uniform(-0.5, 0.5, (20, 2))
    shapes = measure_stamps(stamps)
    assert np.abs(shapes.dx - truth[:, 0]).max() < 0.02
    assert np.abs(shapes.dy - truth[:, 1]).max() < 0.02


def test_half_flux_radius_of_a_gaussian_is_half_its_width(profile):
    for fwhm in (2.5, 4.0, 7.0):
        shapes = measure_stamps(profile(fwhm, None).stamps())
        assert np.median(shapes.hfr) == pytest.approx(fwhm / 2, rel=0.05)


def test_flux_is_that_of_the_whole_star(profile):
    stamps = profile(3.0, None).stamps()
    assert measure_stamps(stamps).flux == pytest.approx(stamps.sum(axis=(1, 2)), rel=0.01)


def test_rings_are_hollow_and_trails_are_not(profile):
    ring = measure_stamps(profile(1.6, None, ring=5.0).stamps(noise=0.02))
    trail = measure_stamps(profile(2.5, trail=7.5).stamps(noise=0.02))
    star = measure_stamps(profile(2.5).stamps(noise=0.02))
    assert np.median(hollowness(ring.kurtosis)) > 0.7
    assert np.median(hollowness(trail.kurtosis)) < 0.05
    assert np.median(hollowness(star.kurtosis)) < 0.05


def test_width_of_profile_is_continuous_where_peaks_turn_flat():
    steps = np.linspace(1.7, 3.9, 500)
    ratios = np.array([by_kurtosis(float(kurtosis)) for kurtosis in steps])
    assert np.abs(np.diff(ratios)).max() < 0.01


def test_no_star_is_an_empty_result():
    shapes = measure_stamps(np.zeros((0, 25, 25), np.float32))
    assert shapes.flux.shape == shapes.converged.shape == (0,)


@pytest.mark.parametrize("fill", ["zero", "negative", "constant", "noise", "single pixel", "huge"])
def test_what_is_no_star_gives_numbers_all_the_same(fill):
    stamps = np.zeros((3, 25, 25), np.float32)
    if fill == "negative":
        stamps -= 50
    elif fill == "constant":
        stamps += 7
    elif fill == "noise":
        stamps += np.random.default_rng(1).normal(0, 1, stamps.shape).astype(np.float32)
    elif fill == "single pixel":
        stamps[:, 3, 20] = 1e4
    elif fill == "huge":
        stamps[:, 10:15, 10:15] = 3e9
    shapes = measure_stamps(stamps)
    for values in (*shapes.axes(), shapes.flux, shapes.hfr, shapes.kurtosis, shapes.dx):
        assert np.isfinite(values).all()


def test_more_stars_than_fit_together_are_measured_one_by_one_alike(profile):
    stamps = profile(3.0).stamps(count=70, noise=0.01)
    whole, single = measure_stamps(stamps), measure_stamps(stamps[66:67])
    assert whole.xx[66] == pytest.approx(single.xx[0], rel=1e-4)
    assert whole.hfr[66] == pytest.approx(single.hfr[0], rel=1e-4)
