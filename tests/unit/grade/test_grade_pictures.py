"""The mean star as pictures of one scale."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from astro_monitor.grade.pictures import FIELD_SIDE, PROFILE_SIDE, profiles

MIDDLE = PROFILE_SIDE // 2


def star(fwhm_px: float, side: int = 49, shift_px: float = 0.0) -> np.ndarray:
    """Return a Gaussian of unit flux."""
    axis = np.arange(side) - side // 2
    sigma = fwhm_px / 2.3548
    along, across = np.exp(-0.5 * ((axis - shift_px) / sigma) ** 2), np.exp(-0.5 * (axis / sigma) ** 2)
    return (across[:, None] * along[None, :] / (2 * np.pi * sigma**2)).astype(np.float32)


def features(stack: np.ndarray, bin_px: int = 1) -> SimpleNamespace:
    field = np.broadcast_to(stack[12:-12, 12:-12], (3, 3, 25, 25))
    return SimpleNamespace(stack=stack, stack_bin_px=bin_px, field_stacks=field)


def baseline(stack: np.ndarray, bin_px: int = 1) -> SimpleNamespace:
    return SimpleNamespace(reference_stack=stack, reference_stack_bin_px=bin_px)


NONE = np.zeros((49, 49), np.float32)


@pytest.mark.parametrize("fwhm_px", [2.5, 4.0, 6.0])
def test_a_usual_star_looks_the_same_however_the_camera_samples(fwhm_px):
    made = profiles(features(star(fwhm_px)), baseline(star(fwhm_px)))
    assert made.whole.shape == (PROFILE_SIDE, PROFILE_SIDE, 3)
    assert made.field.shape == (9, FIELD_SIDE, FIELD_SIDE)
    now, usual = made.whole[..., 0], made.whole[..., 1]
    assert now == pytest.approx(usual, abs=1e-6)
    assert now[MIDDLE, MIDDLE] == pytest.approx(1.0, abs=0.12)
    three = profiles(features(star(3.0)), baseline(star(3.0))).whole[..., 0]
    assert now == pytest.approx(three, abs=0.12)


def test_stacks_of_another_binning_are_brought_to_the_same_scale():
    fine = profiles(features(star(6.0)), baseline(star(6.0))).whole
    mixed = profiles(features(star(3.0), bin_px=2), baseline(star(6.0))).whole
    assert mixed[..., 0] == pytest.approx(fine[..., 0], abs=0.08)


def test_the_kernel_of_the_usual_star_is_a_point_and_that_of_a_jump_two():
    point = profiles(features(star(3.0)), baseline(star(3.0))).whole[..., 2]
    assert point[MIDDLE, MIDDLE] == point.max()
    knots = 0.5 * (star(3.0, shift_px=-6.0) + star(3.0, shift_px=6.0))
    two = profiles(features(knots), baseline(star(3.0))).whole[..., 2]
    left, right = two[MIDDLE, MIDDLE - 6], two[MIDDLE, MIDDLE + 6]
    assert left == pytest.approx(right, abs=0.05)
    assert left > 3 * abs(two[MIDDLE, MIDDLE])


def test_what_is_unknown_is_dark():
    alone = profiles(features(star(3.0)), baseline(NONE)).whole
    assert alone[..., 0].max() > 0.8
    assert not alone[..., 1:].any()
    nothing = profiles(features(NONE), baseline(NONE))
    assert not nothing.whole.any()
    assert not nothing.field.any()
