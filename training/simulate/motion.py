"""The path that a star's image draws on the sensor while the shutter is open."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from astro_monitor.records.borders import GHOST
from training.simulate.psf import Points

SAMPLES = 1500
"""Positions in a path: less than a grid step apart on trails of 60 px."""

PLACES = np.linspace(-5 / 6, 5 / 6, 6)
"""Where along each side of the field a rotation is looked at, -1 to 1."""

Vector = tuple[float, float]
"""L² cos 2θ and L² sin 2θ of an elongation, square pixels."""

Values = NDArray[np.float64]


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

    @property
    def ghost_fraction(self) -> float:
        """Part of the light in the fainter of the two images of a jump."""
        return min(self.jump_share, 1 - self.jump_share)

    def path(self, x: float = 0.0, y: float = 0.0, aspect: float = 1.0, *, least_ghost: float = 0.0) -> Points:
        """Positions of a star's image at equal steps of time, (SAMPLES, 2), frame pixels.

        Parameters:
            x, y: the star's place in the field, -1 to 1 from edge to edge.
            aspect: height / width of the frame.
            least_ghost: a jump whose ghost has less of the light is left out.
        """
        time = (np.arange(SAMPLES) + 0.5) / SAMPLES
        path = np.zeros((SAMPLES, 2))
        path += np.outer(time - 0.5, self.drift_px * _direction(self.drift_angle_deg))
        if self.periodic_px:
            wave = 0.5 * self.periodic_px * np.sin(2 * np.pi * self.periodic_cycles * time + self.periodic_phase)
            path += np.outer(wave, _direction(self.right_ascension_angle_deg))
        if self.jump_px and self.ghost_fraction >= least_ghost:
            begin = 0.5 * (1 - self.jump_share) if self.jump_returns else 1 - self.jump_share
            away = (time >= begin) & (time < begin + self.jump_share)
            path += np.outer(away, self.jump_px * _direction(self.jump_angle_deg))
        if self.wind_px:
            path += self.wind_px * _gusts(self.wind_seed)
        if self.rotation_px:
            # Arcs are short against their radius (the turn is at most a few degrees): tangents do.
            path += np.outer(time - 0.5, self._turning(np.array([x]), np.array([y]), aspect)[0])
        return path

    def length_px(self, aspect: float = 1.0, least_ghost: float = GHOST[1]) -> float:
        """L of the class rules: the median over the field when it rotates, faint ghosts left out."""
        if self.still:
            return 0.0
        return float(np.median(np.hypot(*self._vectors(aspect, least_ghost).T)) ** 0.5)

    def excess_px(
        self,
        usual: Vector = (0.0, 0.0),
        now: Vector = (0.0, 0.0),
        *,
        aspect: float = 1.0,
        least_ghost: float = GHOST[1],
    ) -> float:
        """E of the class rules: what is left of the elongation when the usual one is subtracted, as a length.

        Parameters:
            usual: elongation vector of the rig, L² (cos 2θ, sin 2θ), square pixels.
            now: the rig's own part in the vector of this frame.
            aspect: height / width of the frame.
            least_ghost: a jump whose ghost has less of the light is left out.

        Returns:
            the median over the field when it rotates.
        """
        strayed = np.subtract(now, usual)
        if self.still:
            return float(math.hypot(*strayed) ** 0.5)
        left = self._vectors(aspect, least_ghost) + strayed
        return float(np.median(np.hypot(left[:, 0], left[:, 1])) ** 0.5)

    def _vectors(self, aspect: float, least_ghost: float) -> Points:
        """Elongation vectors of the path at places of the field; of one place where all are alike: (N, 2)."""
        base = replace(self, rotation_px=0.0).path(least_ghost=least_ghost)
        base = base - base.mean(axis=0)
        spread = (base.T @ base / SAMPLES)[None]
        if self.rotation_px:
            # Covariance of base + t d for the direction d of turning at each place, t the time from the middle.
            time = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
            along, var = base.T @ time / SAMPLES, float(time @ time / SAMPLES)
            x, y = (axis.ravel() for axis in np.meshgrid(PLACES, PLACES))
            turn = self._turning(x, y, aspect)
            mixed = along[None, :, None] * turn[:, None, :]
            spread = spread + mixed + mixed.swapaxes(1, 2) + var * turn[:, :, None] * turn[:, None, :]
        plus, cross = spread[:, 0, 0] - spread[:, 1, 1], 2 * spread[:, 0, 1]
        size = np.hypot(plus, cross)
        longest = 12 * 0.5 * (spread[:, 0, 0] + spread[:, 1, 1] + size)
        scale = np.divide(longest, size, out=np.zeros_like(size), where=size > 0)
        # A path without any direction still has a length: it is given one.
        return np.column_stack([np.where(size > 0, plus * scale, longest), cross * scale])

    def _turning(self, x: Values, y: Values, aspect: float) -> Points:
        """Where places of the field, -1 to 1, go while the field rotates by the whole of the exposure: (N, 2)."""
        diagonal = math.hypot(1.0, aspect)
        dx, dy = (x - self.pivot_x) / diagonal, (y - self.pivot_y) * aspect / diagonal
        return self.rotation_sign * self.rotation_px * np.column_stack([-dy, dx])

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
