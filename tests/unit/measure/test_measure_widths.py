"""Widths of frames with one star or a few: right, monotonic through the focus, or missing with a reason."""

import numpy as np
import pytest

from astro_monitor.records import KIND_ARTEFACT
from astro_monitor.testing.measuring import measured_against

SHAPE = (300, 400)


def exposed(profile, stars, *, noise=5.0, saturation=60000.0, side=121, seed=3):
    """A frame of stars (x, y, peak, profile), integrated over pixels, cut off at saturation."""
    image = np.random.default_rng(seed).normal(1000, noise, SHAPE)
    half = side // 2
    for x, y, peak, star in stars:
        column, row = round(x), round(y)
        fine = (np.arange(side)[:, None] - half + (np.arange(5) - 2) / 5).ravel()
        light = star.draw(fine[None, :] - (x - column), fine[:, None] - (y - row))
        light = light.reshape(side, 5, side, 5).mean(axis=(1, 3))
        top, left, bottom, right = max(row - half, 0), max(column - half, 0), row + half + 1, column + half + 1
        part = image[top:bottom, left:right]
        part += peak * light[top - row + half :, left - column + half :][: part.shape[0], : part.shape[1]]
    return np.clip(np.rint(image), 0, saturation).astype(np.uint16)


def values_of(make_frame, make_detections, image, stars, no_baseline, *, bin_factor=1, noise=5.0, saturation=60000.0):
    x, y, peak = (np.array([star[i] for star in stars], float) for i in range(3))
    detections = make_detections(x, y, peak, noise=noise, shape=SHAPE, bin_factor=bin_factor)
    return measured_against(make_frame(image, saturation=saturation), detections, no_baseline)[1]


@pytest.mark.parametrize("fwhm", [1.8, 2.4, 3.5, 5.0])
@pytest.mark.parametrize("height", [0.5, 3.0])
def test_one_star_has_its_width_even_when_it_is_saturated(
    make_frame, make_detections, profile, no_baseline, fwhm, height
):
    stars = [(200.3, 150.2, height * 59_000, profile(fwhm)), (90.0, 80.0, 40.0, profile(9.0))]
    image = exposed(profile, stars)
    values = values_of(make_frame, make_detections, image, stars, no_baseline).values
    assert values["fwhm_px"] == pytest.approx(fwhm, rel=0.1)
    assert values["elongation"] < 1.1
    assert values["fwhm_minor_px"] == pytest.approx(fwhm, rel=0.12)


def test_a_focus_run_on_one_star_is_monotonic(make_frame, make_detections, profile, no_baseline):
    """Out of focus the star is a ring; a faint source near by, which noise makes wide, never counts."""
    diameters, widths, radii = (0.0, 2.0, 4.0, 7.0, 10.0, 14.0, 20.0, 28.0), [], []
    for diameter in diameters:
        star = profile(2.5, ring=diameter)
        peak = min(50_000.0, 4e5 / (2.5 + 3 * diameter))
        stars = [(200.4, 150.1, peak, star), (120.0, 200.0, 30.0, profile(2.5))]
        binning = 1 if diameter < 4 else 2 if diameter < 9 else 4 if diameter < 18 else 8
        measurements = values_of(
            make_frame, make_detections, exposed(profile, stars), stars, no_baseline, bin_factor=binning
        )
        widths.append(measurements.values["fwhm_px"])
        radii.append(measurements.values["hfr_px"])
    assert widths[0] == pytest.approx(2.5, rel=0.1)
    assert (np.diff(widths) > 0).all()
    assert (np.diff(radii) > 0).all()


def test_one_star_hardly_wider_than_a_pixel_has_no_width(make_frame, make_detections, profile, no_baseline):
    stars = [(200.3, 150.2, 20_000.0, profile(1.2))]
    measured = values_of(make_frame, make_detections, exposed(profile, stars), stars, no_baseline)
    assert measured.values["fwhm_px"] is None
    assert "too few" in measured.why_missing["fwhm_px"]
    assert measured.values["hfr_px"] is not None
    many = [(x + x / 99, y + y / 77, 20_000.0, profile(1.2)) for x in range(40, 380, 40) for y in range(40, 280, 40)]
    measured = values_of(make_frame, make_detections, exposed(profile, many), many, no_baseline)
    assert measured.values["fwhm_px"] == pytest.approx(1.2, rel=0.1)


def test_stars_that_are_too_faint_have_no_width(make_frame, make_detections, profile, no_baseline):
    stars = [(200.3, 150.2, 9.0, profile(3.0)), (100.0, 200.0, 8.0, profile(3.0))]
    measured = values_of(make_frame, make_detections, exposed(profile, stars), stars, no_baseline)
    assert measured.values["fwhm_px"] is None
    assert measured.why_missing["fwhm_px"]


def crowded(profile, star, count, seed=5):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(25, SHAPE[1] - 25, count), rng.uniform(25, SHAPE[0] - 25, count)
    return [
        (*place, peak, star) for *place, peak in zip(x, y, 800 * (1 + rng.pareto(1.0, count).clip(0, 30)), strict=True)
    ]


def test_neighbours_do_not_widen_the_stars(make_frame, make_detections, profile, no_baseline):
    """Stars of 6 px, most of which have another one nearer than three widths."""
    stars = crowded(profile, profile(6.0), 70)
    image = exposed(profile, stars, side=61)
    values = values_of(make_frame, make_detections, image, stars, no_baseline, bin_factor=2).values
    assert values["fwhm_px"] == pytest.approx(6.0, rel=0.06)


@pytest.mark.parametrize(("diameter", "bin_factor"), [(16.0, 4), (24.0, 4)])
def test_the_half_flux_radius_of_rings_that_have_neighbours(
    make_frame, make_detections, profile, no_baseline, diameter, bin_factor
):
    """Thin rings: half of the light lies within the ring's own radius."""
    rng = np.random.default_rng(7)
    places = [(x + rng.uniform(-5, 5), y + rng.uniform(-5, 5)) for x in range(60, 360, 70) for y in range(60, 270, 70)]
    stars = [(x, y, float(peak), profile(2.0, ring=diameter)) for (x, y), peak in zip(
        places, rng.uniform(400, 3000, len(places)), strict=True)]  # fmt: skip
    image = exposed(profile, stars, side=81)
    values = values_of(make_frame, make_detections, image, stars, no_baseline, bin_factor=bin_factor).values
    assert values["central_dip_fraction"] > 0.3
    assert values["hfr_px"] == pytest.approx(diameter / 2, rel=0.1)
    assert values["star_count_measured"] > 0.2 * len(stars)


def test_narrow_stars_seem_long_at_random_and_are_no_trails(make_frame, make_detections, profile, no_baseline):
    """Return stars of one pixel: each is elongated in another direction, by its position within its pixel."""
    rng = np.random.default_rng(9)
    places = [
        (x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5)) for x in range(30, 380, 25) for y in range(30, 280, 25)
    ]
    stars = [(x, y, float(peak), profile(1.1)) for (x, y), peak in zip(
        places, rng.uniform(2000, 20_000, len(places)), strict=True)]  # fmt: skip
    values = values_of(make_frame, make_detections, exposed(profile, stars, side=25), stars, no_baseline).values
    assert values["fwhm_px"] == pytest.approx(1.1, rel=0.08)


def test_a_few_narrow_sources_among_hundreds_of_hot_pixels_are_not_believed(
    make_frame, make_detections, profile, no_baseline
):
    stars = [(x, 150.3, 20_000.0, profile(1.9)) for x in (80.2, 160.4, 240.1)]
    image = exposed(profile, stars)
    x, y, peak = (np.array([star[i] for star in stars], float) for i in range(3))
    kind = np.full(303, KIND_ARTEFACT, np.uint8)
    kind[:3] = 0
    hot = np.full(300, 20.0)
    detections = make_detections(np.r_[x, hot], np.r_[y, hot], np.r_[peak, hot], noise=5.0, shape=SHAPE, kind=kind)
    measured = measured_against(make_frame(image), detections, no_baseline)[1]
    assert measured.values["fwhm_px"] is None
    assert "hot pixels" in measured.why_missing["fwhm_px"]
    alone = values_of(make_frame, make_detections, image, stars, no_baseline)
    assert alone.values["fwhm_px"] == pytest.approx(1.9, rel=0.1)


@pytest.mark.parametrize(("px", "hot_count", "known"), [(2, 200, False), (2, 10, True), (1, 200, True)])
def test_narrow_stars_of_a_colour_sensor_among_more_hot_pixels_have_no_width(
    make_frame, make_detections, profile, no_baseline, px: int, hot_count: int, known: bool
):
    rng = np.random.default_rng(4)
    stars = [
        (x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5), 20_000.0, profile(0.88))
        for x in range(40, 380, 40)
        for y in range(40, 280, 40)
    ]
    x, y, peak = (np.array([star[i] for star in stars], float) for i in range(3))
    hot = np.full(hot_count, 20.0)
    kind = np.r_[np.zeros(len(stars), np.uint8), np.full(hot_count, KIND_ARTEFACT, np.uint8)]
    detections = make_detections(np.r_[x, hot], np.r_[y, hot], np.r_[peak, hot], noise=5.0, shape=SHAPE, kind=kind)
    measured = measured_against(make_frame(exposed(profile, stars), px=px), detections, no_baseline)[1]
    assert (measured.values["fwhm_px"] is not None) == known, measured.values["fwhm_px"]
    assert known or "hot pixels" in measured.why_missing["fwhm_px"]
