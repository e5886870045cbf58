"""Nights as a mount without a guider, and with a rising moon, would have them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
from training.simulate import simulate_night

SEED, SHAPE = 20, (96, 128)


def _night(faults, frames=16, **how):
    return [frame.condition for frame in simulate_night(SEED, frames, SHAPE, faults, **how)]


def test_a_drift_carries_the_field_along_the_trail():
    guided, free = _night(["drift"]), _night(["drift"], wander=True)
    moved = np.array([[f.dither_x_px - g.dither_x_px, f.dither_y_px - g.dither_y_px]
                      for f, g in zip(free, guided, strict=True)])  # fmt: skip
    drifting = [place for place, one in enumerate(free) if one.motion.drift_px > 3]
    step = moved[drifting[1]] - moved[drifting[0]]
    angle = np.radians(free[drifting[1]].motion.drift_angle_deg)
    assert np.hypot(*step) > free[drifting[1]].motion.drift_px
    assert step @ [np.cos(angle), np.sin(angle)] == pytest.approx(np.hypot(*step))
    assert not moved[0].any()


def test_the_worm_turns_on_between_the_frames():
    phases = [one.motion.periodic_phase for one in _night(["periodic"], wander=True) if one.motion.periodic_px > 0]
    assert len(set(phases)) == len(phases) > 1
    assert len({one.motion.periodic_phase for one in _night(["periodic"]) if one.motion.periodic_px > 0}) == 1


def test_the_moon_lifts_the_sky_without_haste():
    ratio = [lit.sky_factor / dark.sky_factor for lit, dark in zip(_night([], moon=3.0), _night([]), strict=True)]
    assert ratio[0] == 1.0
    assert all(np.diff(ratio) >= 0)
    assert ratio[-1] == pytest.approx(3.0, rel=0.2)
