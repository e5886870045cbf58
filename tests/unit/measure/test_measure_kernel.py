"""The kernel between the usual mean star and the one now: lengths, directions and shapes of paths, or none."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.measure.kernel import KERNEL_PX, kernel_of, on_scale, path_of
from astro_monitor.records import STACK_PX

MIDDLE = STACK_PX // 2
FINE = 5
"""Samples of a star along each side of a pixel."""


def stack(fwhm_px=3.0, path=((0.0, 0.0),), *, noise=0.0, seed=1, ring_px=0.0):
    """Return the stack of a Moffat star that stood at each place of a path for the same time."""
    fine = (np.arange(STACK_PX)[:, None] - MIDDLE + (np.arange(FINE) - FINE // 2) / FINE).ravel()
    light = np.zeros((fine.size, fine.size))
    for x, y in np.asarray(path, float) - np.mean(path, axis=0):
        radius = np.hypot(fine[None, :] - x, fine[:, None] - y)
        if ring_px:
            light += np.exp(-4 * np.log(2) * (radius - ring_px / 2) ** 2 / fwhm_px**2)
        else:
            light += (1 + 4 * (2 ** (1 / 3.5) - 1) * (radius / fwhm_px) ** 2) ** -3.5
    light = light.reshape(STACK_PX, FINE, STACK_PX, FINE).mean(axis=(1, 3))
    rng = np.random.default_rng(seed)
    return (light / light.sum() + rng.normal(0, noise, light.shape)).astype(np.float32)


def bar(length_px, angle_deg=0.0, count=41):
    return along(((np.arange(count) + 0.5) / count - 0.5) * length_px, angle_deg)


def along(places, angle_deg):
    return np.outer(places, [np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])


def wave(peak_to_valley_px, angle_deg=0.0, count=48):
    return along(peak_to_valley_px / 2 * np.sin(2 * np.pi * (np.arange(count) + 0.5) / count), angle_deg)


def gusts(rms_px, seed=3, count=60):
    """Return a path that is near its middle most of the time, and far away in gusts."""
    rng = np.random.default_rng(seed)
    places = rng.normal(0, 1, (count, 2)) * rng.uniform(0.2, 1.6, count)[:, None] * (1.0, 0.4)
    return rms_px * places / places[:, 0].std()


def length_of(path):
    spread = np.linalg.eigvalsh(np.cov(np.asarray(path).T, bias=True))
    return float(np.sqrt(12 * spread[-1]))


NOISE = 1e-4
POINT_PX = 1.05
"""Length that noise gives to a point: a third of the width of the star."""


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 75.0, -50.0])
@pytest.mark.parametrize("length_px", [3.0, 6.0, 14.0])
def test_the_length_and_direction_of_a_drift(length_px, angle_deg):
    found = path_of(stack(3.0, bar(length_px, angle_deg), noise=NOISE), stack(3.0, noise=NOISE, seed=2))
    assert found.length == pytest.approx(length_px, rel=0.08, abs=0.2)
    assert (found.angle_deg - angle_deg + 90) % 180 - 90 == pytest.approx(0, abs=4)
    assert found.minor < 0.35 * length_px


@pytest.mark.parametrize("fwhm_px", [1.3, 2.5, 5.0])
@pytest.mark.parametrize("path", [bar(9.0), wave(8.0), along([0] * 30 + [9] * 10, 20), gusts(2.5)])
def test_the_length_of_any_path(fwhm_px, path):
    found = path_of(stack(fwhm_px, path, noise=NOISE), stack(fwhm_px, noise=NOISE, seed=2))
    assert found.length == pytest.approx(length_of(path), rel=0.15)


def test_light_in_a_halo_counts_in_full():
    """A Gaussian weight would follow the core, in which most of the light stays."""
    path = gusts(4.0)
    found = path_of(stack(3.0, path, noise=NOISE), stack(3.0, noise=NOISE, seed=2))
    assert found.length == pytest.approx(length_of(path), rel=0.15)
    assert found.halo_fraction > 0.15


def test_a_frame_as_usual_has_no_path():
    found = path_of(stack(3.0, noise=NOISE, seed=5), stack(3.0, noise=NOISE, seed=6))
    assert found.length < POINT_PX
    assert found.halo_fraction < 0.02
    assert found.shape is None


def test_a_sharper_frame_has_no_path():
    found = path_of(stack(2.5, noise=NOISE, seed=5), stack(3.2, noise=NOISE, seed=6))
    assert found.length < POINT_PX
    assert found.minor == 0.0


def test_a_frame_without_the_usual_elongation_has_no_path():
    found = path_of(stack(2.8, noise=NOISE), stack(3.0, bar(5.0, 40.0), noise=NOISE, seed=2))
    assert found.length < POINT_PX


def test_a_drift_in_sharper_seeing_is_as_long_as_it_is():
    found = path_of(stack(2.6, bar(5.0, 40.0), noise=NOISE), stack(3.0, noise=NOISE, seed=2))
    assert found.length == pytest.approx(5.0, rel=0.1)


def test_wide_seeing_is_as_wide_across_as_along():
    found = path_of(stack(4.5, noise=NOISE, seed=5), stack(3.0, noise=NOISE, seed=6))
    assert found.minor > 0.75 * found.length > 2.0


def test_an_elongation_that_is_usual_is_no_path():
    own = bar(4.0, 40.0)
    assert path_of(stack(3.0, own, noise=NOISE), stack(3.0, own, noise=NOISE, seed=2)).length < POINT_PX
    both = [one + other for one in own for other in bar(8.0, -50.0)]
    found = path_of(stack(3.0, both[::7], noise=NOISE), stack(3.0, own, noise=NOISE, seed=2))
    assert found.length == pytest.approx(8.0, rel=0.1)
    assert found.angle_deg == pytest.approx(-50.0, abs=5)


def test_the_shapes_of_paths_tell_the_causes_apart():
    usual = stack(3.0, noise=NOISE, seed=2)
    drift, periodic, jump, wind = (
        path_of(stack(3.0, path, noise=NOISE), usual).shape
        for path in (bar(14.0, 25), wave(14.0, 25), along([0] * 24 + [11] * 16, 25), gusts(4.0))
    )
    assert jump.peak_count == 2
    assert jump.gap_fraction > 0.8
    assert drift.gap_fraction < 0.45
    assert periodic.gap_fraction < 0.7
    assert periodic.end_brightness > 1.3 * drift.end_brightness > 0.5
    assert wind.end_brightness < 0.4


def test_a_ghost_of_a_tenth_of_the_light_is_a_second_knot():
    found = path_of(stack(2.5, along([0] * 36 + [12] * 5, 0), noise=NOISE / 3), stack(2.5, noise=NOISE / 3, seed=2))
    assert found.shape.peak_count == 2
    assert found.shape.gap_fraction > 0.8


def test_defocused_rings_are_wide_and_have_no_direction():
    found = path_of(stack(2.5, noise=NOISE, ring_px=9.0), stack(3.0, noise=NOISE, seed=2))
    assert found.minor > 0.85 * found.length > 5.0


def test_noise_alone_gives_no_error():
    rng = np.random.default_rng(4)
    for _ in range(5):
        noise = rng.normal(0, 0.01, (STACK_PX, STACK_PX)).astype(np.float32)
        found = path_of(noise, stack(3.0))
        assert np.isfinite([found.length, found.minor, found.angle_deg, found.halo_fraction]).all()
    dark = np.zeros((STACK_PX, STACK_PX), np.float32)
    assert np.isfinite(path_of(dark, dark).length)


def test_the_kernel_is_a_small_image_of_the_path():
    kernel = kernel_of(stack(3.0, along([0] * 20 + [10] * 20, 0), noise=NOISE), stack(3.0, noise=NOISE, seed=2))
    assert kernel.shape == (KERNEL_PX, KERNEL_PX)
    assert kernel.dtype == np.float32
    row = kernel[KERNEL_PX // 2]
    assert {int(row[:12].argmax()), 12 + int(row[12:].argmax())} <= {6, 7, 8, 16, 17, 18}
    assert row[12] < 0.2 * row.max()
    assert kernel.sum() == pytest.approx(1, abs=0.1)


def test_without_one_of_the_stacks_the_kernel_is_empty():
    assert not kernel_of(np.zeros((STACK_PX, STACK_PX), np.float32), stack(3.0)).any()
    assert not kernel_of(stack(3.0), np.zeros((STACK_PX, STACK_PX), np.float32)).any()


def test_stacks_of_another_scale_are_brought_to_a_common_one():
    path = bar(16.0, 20)
    fine, coarse = stack(6.0), stack(3.0, bar(8.0, 20))
    assert np.abs(on_scale(fine, 2) - stack(3.0)).max() < 0.06 * stack(3.0).max()
    found = path_of(coarse, on_scale(fine, 2))
    assert 2 * found.length == pytest.approx(length_of(path), rel=0.08)
    assert on_scale(fine, 1) is fine
    assert on_scale(fine, 4).sum() == pytest.approx(1, abs=0.02)
