import numpy as np
import pytest

from astro_monitor.measure.shape import field_shape

SHAPE = (1000, 1500)


def stars(rng, count=200):
    return rng.uniform(0, SHAPE[1], count), rng.uniform(0, SHAPE[0], count)


def long_stars(count, ratio=1.5):
    return np.full(count, 1.2 * ratio), np.full(count, 1.2)


def test_one_direction_everywhere_is_coherent():
    rng = np.random.default_rng(1)
    x, y = stars(rng)
    a, b = long_stars(200)
    field = field_shape(x, y, a, b, rng.normal(-35, 3, 200), SHAPE, 2.8)
    assert field.angle_deg == pytest.approx(-35, abs=1)
    assert field.coherence > 0.95
    assert abs(field.radial_elongation) < 0.05


def test_directions_at_random_cancel():
    rng = np.random.default_rng(2)
    x, y = stars(rng)
    a, b = long_stars(200)
    field = field_shape(x, y, a, b, rng.uniform(-90, 90, 200), SHAPE, 2.8)
    assert field.coherence < 0.2
    assert field.rotation_coherence < 0.35
    assert field.trail_length_px < 0.5 * np.sqrt(12 * (a[0] ** 2 - b[0] ** 2))


@pytest.mark.parametrize("centre", [(750.0, 500.0), (200.0, 900.0), (-150.0, 300.0)])
def test_a_turn_around_a_point_is_rotation(centre):
    rng = np.random.default_rng(3)
    x, y = stars(rng)
    a, b = long_stars(200)
    theta = np.degrees(np.arctan2(y - centre[1], x - centre[0])) + 90
    field = field_shape(x, y, a, b, (theta + 90) % 180 - 90, SHAPE, 2.8)
    assert field.rotation_coherence > 0.9


def test_radial_and_tangential_have_opposite_signs():
    rng = np.random.default_rng(4)
    x, y = stars(rng)
    a, b = long_stars(200)
    outward = np.degrees(np.arctan2(y - 499.5, x - 749.5))
    radial = field_shape(x, y, a, b, (outward + 90) % 180 - 90, SHAPE, 2.8)
    tangential = field_shape(x, y, a, b, outward % 180 - 90, SHAPE, 2.8)
    assert radial.radial_elongation == pytest.approx(0.385, abs=0.01)
    assert tangential.radial_elongation == pytest.approx(-0.385, abs=0.01)
    assert radial.rotation_coherence < 0.5


def test_round_stars_have_no_trail_and_no_direction_to_speak_of():
    ones = np.ones(10)
    field = field_shape(ones, ones, ones, ones, 0 * ones, SHAPE, 2.35)
    assert field.trail_length_px == 0
    assert field.coherence == 0
    assert field.rotation_coherence == 0
