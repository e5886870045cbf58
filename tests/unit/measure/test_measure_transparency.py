from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.measure.transparency import match
from astro_monitor.records import ReferenceStar

HEIGHT, WIDTH = 2000, 3000


def take(dx=0.0, dy=0.0, angle=0.0, light=1.0, most=150, noise=0.2, seed=0, sky_seed=1):
    """Bright stars of one frame of a field, moved, turned and dimmed."""
    sky = np.random.default_rng(sky_seed)
    positions = sky.uniform(-0.6, 0.6, (400, 2)) * (WIDTH, HEIGHT)
    flux = 10 + 100 * sky.pareto(1.0, 400)
    rng = np.random.default_rng(seed)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x = cosine * positions[:, 0] - sine * positions[:, 1] + dx + (WIDTH - 1) / 2 + rng.normal(0, noise, 400)
    y = sine * positions[:, 0] + cosine * positions[:, 1] + dy + (HEIGHT - 1) / 2 + rng.normal(0, noise, 400)
    flux = flux * light * (1 + rng.normal(0, 0.05, 400))
    inside = np.flatnonzero((x > 20) & (x < WIDTH - 20) & (y > 20) & (y < HEIGHT - 20))
    order = inside[np.argsort(-flux[inside])][:most]
    return tuple(ReferenceStar(x_px=float(x[i]), y_px=float(y[i]), flux_adu_s=float(flux[i])) for i in order)


REFERENCE = take(seed=9)


@pytest.mark.parametrize(
    "moved",
    [
        {},
        {"dx": 40.0, "dy": -25.0},
        {"dx": 700.0, "dy": 100.0},
        {"angle": 180.0, "dx": 30.0},
        {"angle": 0.3},
        {"angle": 3.2, "dx": 50.0},
        {"angle": -11.0},
        {"angle": 187.0},
    ],
)
@pytest.mark.parametrize("light", [1.0, 0.4])
def test_dithers_flips_and_turned_fields_are_matched(moved, light):
    matched = match(take(**moved, light=light), REFERENCE, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.count > 80
    assert matched.transparency == pytest.approx(light, rel=0.03)
    assert matched.offset_x_px == pytest.approx(moved.get("dx", 0), abs=2.0)
    assert matched.offset_y_px == pytest.approx(moved.get("dy", 0), abs=2.0)
    assert (matched.turn_deg - moved.get("angle", 0) + 180) % 360 - 180 == pytest.approx(0, abs=0.1)


def test_thick_cloud_leaves_few_stars_but_the_right_ratio():
    matched = match(take(light=0.05, most=15), REFERENCE, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.transparency == pytest.approx(0.05, rel=0.06)


def clouded(stars, right_of_px, loss_mag):
    """A small cloud over a corner of the field."""
    return tuple(
        ReferenceStar(x_px=star.x_px, y_px=star.y_px, flux_adu_s=star.flux_adu_s * 10 ** (-0.4 * loss_mag))
        if star.x_px > right_of_px and star.y_px < HEIGHT / 3 else star
        for star in stars
    )  # fmt: skip


def shaped(stars, *, fwhm_px=3.0, plus_px2=0.0, cross_px2=0.0, turning=0.0, seed=0):
    """The stars with widths and elongations, each of its own, and perhaps a field that turns around its middle."""
    rng = np.random.default_rng(seed)
    double = [2 * np.arctan2(star.y_px - HEIGHT / 2, star.x_px - WIDTH / 2) for star in stars]
    return tuple(
        replace(
            star, fwhm_px=fwhm_px * float(rng.uniform(0.98, 1.02)),
            plus_px2=plus_px2 - turning * float(np.cos(angle)) + float(rng.normal(0, 0.3)),
            cross_px2=cross_px2 - turning * float(np.sin(angle)) + float(rng.normal(0, 0.3)),
        )
        for star, angle in zip(stars, double, strict=True)
    )  # fmt: skip


@pytest.mark.parametrize("moved", [{"dx": 40.0}, {"angle": 180.0}, {"angle": -11.0}])
def test_the_shapes_of_the_same_stars_are_compared(moved):
    then = shaped(REFERENCE, fwhm_px=3.0, plus_px2=4.0, cross_px2=-1.0)
    now = shaped(take(**moved), fwhm_px=3.6, plus_px2=13.0, cross_px2=-3.0, seed=1)
    matched = match(now, then, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.shapes is not None
    assert matched.shapes.width_ratio == pytest.approx(1.2, rel=0.01)
    assert matched.shapes.trail_plus_px2 == pytest.approx(9.0, abs=0.2)
    assert matched.shapes.trail_cross_px2 == pytest.approx(-2.0, abs=0.2)
    assert matched.shapes.trail_scatter_px2 < 1.5


def test_a_turning_field_scatters_the_shapes_and_has_no_common_trail():
    matched = match(shaped(take(), turning=12.0), shaped(REFERENCE, seed=1), (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.shapes is not None
    assert np.hypot(matched.shapes.trail_plus_px2, matched.shapes.trail_cross_px2) < 8.0
    assert matched.shapes.trail_scatter_px2 > 10.0


def test_without_known_shapes_there_is_light_but_no_comparison():
    matched = match(shaped(take()), REFERENCE, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.shapes is None


@pytest.mark.parametrize("loss_mag", [0.5, 1.0, 2.0])
def test_a_small_cloud_is_seen_where_it_is_as_much_as_is_sure(loss_mag):
    matched = match(clouded(take(), 0.75 * WIDTH, loss_mag), REFERENCE, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert 0.8 * loss_mag - 0.05 < matched.patch_mag <= loss_mag + 0.02
    assert matched.transparency == pytest.approx(1.0, rel=0.05), "the field as a whole is clear"


@pytest.mark.parametrize("light", [1.0, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_an_even_loss_and_noise_are_no_small_cloud(light, seed):
    matched = match(take(light=light, seed=seed, dx=30.0), REFERENCE, (HEIGHT, WIDTH), 3.0)
    assert matched is not None
    assert matched.patch_mag < 0.03


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [8, 40, 150])
def test_another_field_does_not_match(seed, most):
    assert match(take(sky_seed=100 + seed, most=most), REFERENCE, (HEIGHT, WIDTH), 3.0) is None


def test_too_few_stars_are_no_match():
    assert match(take(most=5), REFERENCE, (HEIGHT, WIDTH), 3.0) is None
    assert match((), REFERENCE, (HEIGHT, WIDTH), 3.0) is None
    assert match(REFERENCE, (), (HEIGHT, WIDTH), 3.0) is None


def test_stars_without_light_are_left_out():
    dark = tuple(ReferenceStar(x_px=star.x_px, y_px=star.y_px, flux_adu_s=0.0) for star in REFERENCE)
    assert match(dark, REFERENCE, (HEIGHT, WIDTH), 3.0) is None
