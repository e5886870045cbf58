"""The path that a star's image draws on the sensor while the shutter is open."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np

from astro_monitor.records.borders import GHOST_FRACTION
from training.simulate.labels import path_length_px
from training.simulate.psf import Points

SAMPLES = 1500
"""Positions in a path: less than a grid step apart on trails of 60 px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What the mount does wrong. Lengths in frame pixels; all zero is perfect tracking.

    Attributes:
        drift_px, drift_angle_deg: steady motion.
        periodic_px, periodic_cycles, periodic_phase: sine in right ascension: peak to valley, periods in the
            exposure, phase in radians.
        right_ascension_angle_deg: direction of right ascension on the sensor.
        jump_px, jump_angle_deg, jump_share: step, and the share of the exposure spent beyond it.
        jump_returns: whether the mount comes back (a visit elsewhere in mid-exposure) or stays until the end.
        wind_px, wind_seed: rms of the gusts and the seed of their pattern.
        rotation_px: length of the arc for a star half a diagonal from the pivot; it grows with the
            distance from the pivot.
        rotation_sign: sense of the rotation.
        pivot_x, pivot_y: place of the guide star, -1 to 1 from edge to edge.
    """

    drift_px: float = 0.0
    drift_angle_deg: float = 0.0
    periodic_px: float = 0.0
    periodic_cycles: float = 1.0
    periodic_phase: float = 0.0
    right_ascension_angle_deg: float = 0.0
    jump_px: float = 0.0
    jump_angle_deg: float = 0.0
    jump_share: float = 0.5
    jump_returns: bool = False
    wind_px: float = 0.0
    wind_seed: int = 0
    rotation_px: float = 0.0
    rotation_sign: int = 1
    pivot_x: float = 0.0
    pivot_y: float = 0.0

    @property
    def still(self) -> bool:
        """Whether there is no motion at all."""
        return max(self.drift_px, self.periodic_px, self.jump_px, self.wind_px, self.rotation_px) <= 0

    def scaled(self, factor: float) -> Motion:
        """The same motion, larger or smaller."""
        return replace(
            self,
            drift_px=self.drift_px * factor,
            periodic_px=self.periodic_px * factor,
            jump_px=self.jump_px * factor,
            wind_px=self.wind_px * factor,
            rotation_px=self.rotation_px * factor,
        )

    def path(self, x: float = 0.0, y: float = 0.0, aspect: float = 1.0, *, ghost: bool = True) -> Points:
        """Positions of a star's image at equal steps of time, (SAMPLES, 2), frame pixels.

        Parameters:
            x, y: the star's place in the field, -1 to 1 from edge to edge.
            aspect: height / width of the frame.
            ghost: whether a jump too brief to be condemned is included.
        """
        time = (np.arange(SAMPLES) + 0.5) / SAMPLES
        path = np.zeros((SAMPLES, 2))
        path += np.outer(time - 0.5, self.drift_px * _direction(self.drift_angle_deg))
        if self.periodic_px:
            wave = 0.5 * self.periodic_px * np.sin(2 * np.pi * self.periodic_cycles * time + self.periodic_phase)
            path += np.outer(wave, _direction(self.right_ascension_angle_deg))
        if self.jump_px and (ghost or self.jump_share >= GHOST_FRACTION):
            begin = 0.5 * (1 - self.jump_share) if self.jump_returns else 1 - self.jump_share
            away = (time >= begin) & (time < begin + self.jump_share)
            path += np.outer(away, self.jump_px * _direction(self.jump_angle_deg))
        if self.wind_px:
            path += self.wind_px * _gusts(self.wind_seed)
        if self.rotation_px:
            diagonal = math.hypot(1.0, aspect)
            dx, dy = (x - self.pivot_x) / diagonal, (y - self.pivot_y) * aspect / diagonal
            turn = self.rotation_sign * self.rotation_px * (time - 0.5)
            # Arcs are short against their radius (the turn is at most a few degrees): tangents do.
            path += np.outer(turn, [-dy, dx])
        return path

    def length_px(self, aspect: float = 1.0) -> float:
        """L of the class rules: the median over the field when it rotates, ghosts left out."""
        if self.still:
            return 0.0
        if not self.rotation_px:
            return _spread(self.path(ghost=False))
        places = np.linspace(-5 / 6, 5 / 6, 6)
        base = replace(self, rotation_px=0.0).path(ghost=False)
        turning = Motion(
            rotation_px=self.rotation_px,
            rotation_sign=self.rotation_sign,
            pivot_x=self.pivot_x,
            pivot_y=self.pivot_y,
        )
        lengths = [_spread(base + turning.path(float(x), float(y), aspect)) for x in places for y in places]
        return float(np.median(lengths))

    def shares(self) -> dict[str, float]:
        """L of each tracking cause alone."""
        still = Motion()
        return {
            "drift": replace(still, drift_px=self.drift_px).length_px(),
            "periodic": replace(
                still,
                periodic_px=self.periodic_px,
                periodic_cycles=self.periodic_cycles,
                periodic_phase=self.periodic_phase,
            ).length_px(),
            "jump": replace(
                still, jump_px=self.jump_px, jump_share=self.jump_share, jump_returns=self.jump_returns
            ).length_px(),
            "wind": replace(still, wind_px=self.wind_px, wind_seed=self.wind_seed).length_px(),
            "rotation": replace(
                still, rotation_px=self.rotation_px, pivot_x=self.pivot_x, pivot_y=self.pivot_y
            ).length_px(),
        }


def _direction(angle_deg: float) -> Points:
    return np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])


def _spread(path: Points) -> float:
    return path_length_px(float(np.linalg.eigvalsh(np.cov(path.T, bias=True))[-1]))


@functools.lru_cache(maxsize=32)
def _gusts(seed: int) -> Points:
    """Damped swinging of a mount hit by gusts, rms 1 along its main axis: knots and loops rather than a line."""
    rng = np.random.default_rng(seed)
    steps = 300
    stiffness, damping = rng.uniform(0.01, 0.06), rng.uniform(0.03, 0.15)
    strength = np.repeat(rng.gamma(0.4, 1.0, 12), steps // 12)
    main = rng.uniform(0, np.pi)
    squeeze = rng.uniform(0.15, 0.9)
    force = rng.normal(size=(steps, 2)) * strength[:, None] * (1.0, squeeze)
    position, speed = np.zeros(2), np.zeros(2)
    track = np.empty((steps, 2))
    for index in range(steps):
        speed = speed * (1 - damping) - stiffness * position + force[index]
        position = position + speed
        track[index] = position
    turn = np.array([[math.cos(main), -math.sin(main)], [math.sin(main), math.cos(main)]])
    track = (track - track.mean(axis=0)) @ turn.T
    fine = np.linspace(0, steps - 1, SAMPLES)
    smooth = np.column_stack([np.interp(fine, np.arange(steps), track[:, axis]) for axis in (0, 1)])
    rms = math.sqrt(float(np.linalg.eigvalsh(np.cov(smooth.T, bias=True))[-1]))
    return smooth / max(rms, 1e-9)
