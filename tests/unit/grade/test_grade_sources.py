"""The table of sources: what the map of sources gets to see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.grade.profile import PROFILE_NUMBERS, profile_numbers
from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH, SOURCE_NUMBERS, STAMP_PX, sources

SHAPE = (600, 800)
AT = {name: STAMP_PX * STAMP_PX + place for place, name in enumerate(SOURCE_NUMBERS)}


def profile_of(found, sky):
    return profile_numbers(sources(found, sky, SHAPE), found, SHAPE)


def test_no_stars_give_an_empty_table(stars, sky):
    table = sources(stars(0), sky, SHAPE)
    assert table.rows.shape == (MOST_SOURCES, SOURCE_LENGTH)
    assert not table.rows.any()
    assert not table.valid.any()
    assert profile_numbers(table, stars(0), SHAPE) == [None] * len(PROFILE_NUMBERS)


def test_only_the_brightest_are_taken(stars, sky):
    table = sources(stars(200), sky, SHAPE)
    assert table.valid.sum() == MOST_SOURCES


def test_saturated_stars_stand_in_only_where_others_are_few(stars, sky):
    many = stars(40)
    saturated = np.arange(40) < 20
    assert sources(replace(many, saturated=saturated), sky, SHAPE).valid.sum() == 20
    saturated = np.arange(40) < 36
    assert sources(replace(many, saturated=saturated), sky, SHAPE).valid.sum() == 40


def test_brightness_does_not_change_the_table(stars, sky):
    one = stars(10)
    brighter = replace(one, stamps=one.stamps * 37)
    np.testing.assert_allclose(sources(one, sky, SHAPE).rows, sources(brighter, sky, SHAPE).rows, atol=1e-5)


@pytest.mark.parametrize("theta_deg", [20.0, -20.0, 70.0, -70.0])
def test_mirrored_trails_look_the_same(stars, sky, theta_deg):
    wanted = sources(stars(10, elongation=2.0, theta_deg=20.0), sky, SHAPE).rows[:, : STAMP_PX * STAMP_PX]
    found = sources(stars(10, elongation=2.0, theta_deg=theta_deg), sky, SHAPE).rows[:, : STAMP_PX * STAMP_PX]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_directions_are_relative_to_the_mean_of_the_frame(stars, sky):
    trailed = stars(30, elongation=2.0, theta_deg=63.0)
    rows = sources(trailed, sky, SHAPE).rows[:30]
    np.testing.assert_allclose(rows[:, AT["ellipticity_along_mean"]], 0.6, atol=1e-5)
    np.testing.assert_allclose(rows[:, AT["ellipticity_across_mean"]], 0.0, atol=1e-5)


def test_absurd_measurements_stay_finite(stars, sky):
    broken = stars(5)
    broken = replace(broken, fwhm_px=np.array([np.nan, np.inf, 0, -1, 3], np.float32))
    assert np.isfinite(sources(broken, sky, SHAPE).rows).all()


def test_the_mean_image_shows_a_ghost_that_single_stars_hide(stars, sky):
    plain = stars(40)
    ghosts = plain.stamps.copy()
    ghosts[:, :, 9:] += 0.7 * plain.stamps[:, :, :-9]
    doubled = replace(plain, stamps=ghosts)
    single = dict(zip(PROFILE_NUMBERS, profile_of(plain, sky), strict=True))
    double = dict(zip(PROFILE_NUMBERS, profile_of(doubled, sky), strict=True))
    assert single["companion_height"] == 0
    assert double["companion_height"] == pytest.approx(0.67, abs=0.05)
    assert double["companion_distance"] == pytest.approx(3.0, abs=0.2)
    assert double["mean_image_trail"] > 2 > 0.3 > single["mean_image_trail"]


def test_trails_are_path_over_width(stars, sky):
    # a/b = 2: L = sqrt(12 (a² - b²)) = 6 b, F = 2.355 b.
    numbers = dict(zip(PROFILE_NUMBERS, profile_of(stars(9, elongation=2.0), sky), strict=True))
    assert numbers["trail_median"] == pytest.approx(6 / 2.3548, rel=1e-3)


def test_a_long_jump_shows_in_the_places_of_the_stars(stars, sky):
    one = stars(60)
    moved_x = np.where(np.arange(60) % 2 == 0, one.x_px, np.roll(one.x_px, 1) + 25)
    moved_y = np.where(np.arange(60) % 2 == 0, one.y_px, np.roll(one.y_px, 1) + 10)
    jumped = replace(one, x_px=moved_x.astype(np.float32), y_px=moved_y.astype(np.float32))
    alone = dict(zip(PROFILE_NUMBERS, profile_of(one, sky), strict=True))
    paired = dict(zip(PROFILE_NUMBERS, profile_of(jumped, sky), strict=True))
    assert alone["pair_share"] < 0.1
    assert paired["pair_share"] == pytest.approx(0.5, abs=0.05)
    assert paired["pair_excess"] > 3 * alone["pair_excess"]
    assert np.exp(paired["pair_log_distance"]) == pytest.approx(np.hypot(25, 10) / 3, rel=0.1)
