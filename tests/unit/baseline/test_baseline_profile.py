"""The usual mean star of a rig: a mean of usual frames, small as stored, and restored exactly."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.baseline.profile import MEAN_FRAMES, UsualProfile
from astro_monitor.records import NO_PROFILE, STACK_PX, Examined, StarProfile
from astro_monitor.testing.inventing import graded, invented_look
from astro_monitor.testing.looks import small_look

MOST_STORED_BYTES = 15_000


def stack_of(fwhm_px: float, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    offset = np.arange(STACK_PX) - STACK_PX // 2
    light = np.exp(-4 * np.log(2) * (offset[:, None] ** 2 + offset[None, :] ** 2) / fwhm_px**2)
    rng = np.random.default_rng(seed)
    return (light / light.sum() + rng.normal(0, noise, light.shape)).astype(np.float32)


def frame_of(fwhm_px: float, *, noise: float = 0.0, seed: int = 1, count: int = 40, bin_px: int = 1) -> Examined:
    """Return a frame whose stars have this width."""
    return examined(fwhm_px, StarProfile.packed_from(stack_of(fwhm_px, noise, seed), bin_px, 1, count))


def examined(fwhm_px: float | None, profile: StarProfile) -> Examined:
    made = graded(invented_look(small_look().arrival, b"content"), good=0.9)
    values = {**made.measurements.values, "fwhm_minor_px": fwhm_px}
    return replace(made, measurements=replace(made.measurements, values=values), profile=profile)


def test_the_mean_of_some_frames_has_less_noise_than_one():
    usual = UsualProfile()
    for seed in range(MEAN_FRAMES):
        assert usual.note(frame_of(3.0, noise=1e-3, seed=seed), 3.0)
    assert np.std(usual.profile.stack() - stack_of(3.0)) < 0.5e-3
    assert usual.fwhm_px == pytest.approx(3.0)
    assert usual.frames == MEAN_FRAMES


def test_a_wide_frame_does_not_enter():
    usual = UsualProfile()
    usual.note(frame_of(3.0), 3.0)
    before = usual.state()
    assert not usual.note(frame_of(3.6), 3.0)
    assert usual.state() == before


@pytest.mark.parametrize("later_px", [2.4, 4.0])
def test_a_usual_width_that_has_changed_begins_a_new_mean(later_px):
    usual = UsualProfile()
    for _ in range(4):
        usual.note(frame_of(3.0), 3.0)
    assert usual.note(frame_of(later_px), later_px)
    assert usual.frames == 1
    assert np.abs(usual.profile.stack() - stack_of(later_px)).max() < 1e-4


def test_stacks_of_another_scale_are_not_mixed():
    usual = UsualProfile()
    usual.note(frame_of(6.0), 6.0)
    assert not usual.note(frame_of(6.1, bin_px=2), 6.0)
    assert usual.profile.bin_px == 1


def test_a_frame_with_hardly_a_star_or_without_a_width_tells_no_profile():
    usual = UsualProfile()
    assert not usual.note(frame_of(3.0, count=2), 3.0)
    assert not usual.note(examined(None, frame_of(3.0).profile), 3.0)
    assert not usual.note(examined(3.0, NO_PROFILE), 3.0)
    assert not usual.profile.stack().any()


def test_what_is_stored_is_small_and_restored_exactly():
    usual = UsualProfile()
    for seed in range(3):
        usual.note(frame_of(3.0, noise=1e-3, seed=seed), 3.0)
    stored = json.dumps(usual.state())
    assert len(stored) <= MOST_STORED_BYTES
    restored = UsualProfile.restore(json.loads(stored))
    assert restored == usual
    assert restored.profile.stack().tobytes() == usual.profile.stack().tobytes()
    for one in (usual, restored):
        one.note(frame_of(3.1, noise=1e-3, seed=9), 3.0)
    assert restored == usual


def packed(value: float, size: int = STACK_PX * STACK_PX) -> str:
    return base64.b64encode(np.full(size, value, "<f2").tobytes()).decode()


@pytest.mark.parametrize(
    "stored",
    [
        [["AAAA", 1, 1, 5], 3.0, 1],
        [[packed(np.inf), 1, 1, 5], 3.0, 1],
        [[packed(np.nan), 1, 1, 5], 3.0, 1],
        [[packed(0.1, 4 * STACK_PX * STACK_PX), 1, 1, 5], 3.0, 1],
        [["?" * len(packed(0.1)), 1, 1, 5], 3.0, 1],
        [[packed(0.1), 1000, 1, 5], 3.0, 1],
        [[packed(0.1), 1, 99, 5], 3.0, 1],
        [[packed(0.1), 1, 1, -5], 3.0, 1],
        [[packed(0.1), 1, 1, 5], float("nan"), 1],
        [[packed(0.1), 1, 1, 5], 3.0, 500],
        [["", 1, 1, 0], 3.0, 1],
    ],
)  # fmt: skip
def test_a_state_that_is_none_is_refused(stored):
    with pytest.raises(ValueError, match="of stars"):
        UsualProfile.restore(stored)
