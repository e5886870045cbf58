"""A frame beside what is usual: usual things vanish, and only they."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.baseline import excess_trail_px, sky_change, sky_pattern, usual_sky_pattern, usual_trail_px
from astro_monitor.records import Spread

CELLS = 48
sizes = st.floats(0.0, 30.0)
angles = st.floats(0.0, math.pi)
patterns = st.lists(st.floats(-0.8, 0.8), min_size=CELLS, max_size=CELLS)


def trail(length_px: float, angle: float) -> dict[str, float]:
    return {
        "trail_plus_px2": length_px**2 * math.cos(2 * angle),
        "trail_cross_px2": length_px**2 * math.sin(2 * angle),
    }


def usual(values: dict[str, float]) -> dict[str, Spread]:
    return {key: Spread(median=value, mad=0.0) for key, value in values.items()}


def sky(level: float, noise: float = 5.0) -> dict[str, float]:
    return {"sky_above_pedestal_adu": level, "background_noise_adu": noise}


@given(sizes, angles)
def test_the_usual_elongation_leaves_nothing(length_px, angle):
    values = trail(length_px, angle)
    assert excess_trail_px(values, usual(values)) == 0
    assert usual_trail_px(usual(values)) == pytest.approx(length_px, abs=1e-6)


@given(sizes, angles)
def test_a_round_rig_shows_the_whole_trail(length_px, angle):
    assert excess_trail_px(trail(length_px, angle), usual(trail(0, 0))) == pytest.approx(length_px, abs=1e-6)


@given(st.floats(0.5, 30.0), angles)
def test_a_trail_across_the_usual_one_is_longer_than_either(length_px, angle):
    across = trail(length_px, angle + math.pi / 2)
    found = excess_trail_px(across, usual(trail(length_px, angle)))
    assert found == pytest.approx(math.sqrt(2) * length_px, rel=1e-6)


@given(st.floats(0.5, 10.0), angles, st.floats(0.5, 2.0), st.floats(0.0, 1.0))
def test_the_usual_elongation_may_grow_with_the_width_of_the_stars(length_px, angle, wider, growth):
    before = trail(length_px, angle) | {"fwhm_minor_px": 3.0}
    now = trail(length_px * wider**growth, angle) | {"fwhm_minor_px": 3.0 * wider}
    assert excess_trail_px(now, usual(before)) == pytest.approx(0, abs=1e-3)


@given(st.floats(0.5, 10.0), angles)
def test_stars_drawn_out_more_at_the_same_width_are_no_usual_ones(length_px, angle):
    before = trail(length_px, angle) | {"fwhm_minor_px": 3.0}
    now = trail(2 * length_px, angle) | {"fwhm_minor_px": 3.0}
    assert excess_trail_px(now, usual(before)) == pytest.approx(math.sqrt(3) * length_px, rel=1e-6)


def test_without_numbers_there_is_no_excess():
    assert excess_trail_px({}, usual(trail(1, 0))) is None
    assert excess_trail_px(trail(1, 0), {}) is None
    assert usual_trail_px({}) is None


@given(patterns, st.floats(100, 10_000), st.floats(0.5, 20))
def test_the_usual_pattern_vanishes_at_any_level_whether_it_is_of_the_sky_or_of_the_sensor(pattern, level, brighter):
    cells = [1000 + level * share for share in pattern]
    found = sky_pattern(cells)
    for later in ([1000 + brighter * level * share for share in pattern], [7 + cell for cell in cells]):
        change = sky_change(later, sky(brighter * level), found, usual(sky(level)))
        assert max(map(abs, change)) < 1e-6 * brighter


@given(patterns, st.integers(0, CELLS - 1), st.floats(0.05, 5))
def test_a_leak_is_as_high_as_it_is(pattern, where, share):
    cells = [1000 + 400 * part for part in pattern]
    found = sky_pattern(cells)
    cells[where] += share * 400
    change = sky_change(cells, sky(400), found, usual(sky(400)))
    assert change[where] == pytest.approx(share, rel=0.05, abs=0.05)


def test_a_dark_sky_is_measured_in_noise():
    dark = sky(0.1, noise=10.0)
    assert sky_change([0.0, 0.0, 5.0], dark, (0.0, 0.0, 0.0), usual(dark))[2] == 1.0


def test_no_pattern_no_change():
    assert sky_change([1.0] * CELLS, sky(400), (), usual(sky(400))) is None
    assert sky_change([1.0] * CELLS, sky(400), (0.0,) * CELLS, {}) is None


def test_the_usual_pattern_is_that_of_most_frames():
    frames = [(0.0, 0.1, 0.2)] * 4 + [(5.0, 0.0, 0.0), ()] + [(0.0, 0.1, 0.2)]
    assert usual_sky_pattern(frames) == ((0.0, 0.1, 0.2), 0.0)
    assert usual_sky_pattern([]) == ((), 0.0)


def test_an_unsteady_sky_says_so():
    usual, stray = usual_sky_pattern([(0.1, -0.1), (-0.1, 0.1), (0.1, -0.1), (-0.1, 0.1)])
    assert usual == (0.0, 0.0)
    assert stray == pytest.approx(0.1)
