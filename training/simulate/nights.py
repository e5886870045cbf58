"""Whole nights: one rig, one target, slow changes, and episodes of faults that grow and fade."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from training.simulate import psf
from training.simulate.conditions import Condition, draw_condition
from training.simulate.motion import Motion
from training.simulate.priors import rig_from_seed
from training.simulate.render import SimFrame, render
from training.simulate.rigs import Rig
from training.simulate.sky import draw_field

SATELLITE = "satellite"
DRIFTS_PX = 1.0
"""Guiding holds what is less than this in a frame."""
RECENTRE_PX = 60.0
"""The capture program centres the target anew when it has gone further than this."""
CLASS_OF_CAUSE = {
    "drift": "bad_tracking",
    "periodic": "bad_tracking",
    "jump": "bad_tracking",
    "wind": "bad_tracking",
    "rotation": "bad_tracking",
    "seeing": "bad_seeing",
    "defocus": "bad_seeing",
    "cloud": "background_issue",
    "gradient": "background_issue",
    "leak": "background_issue",
    "twilight": "background_issue",
    "dew": "background_issue",
    "moon": "background_issue",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A fault that grows, stays and fades. ``worst`` is the condition at its height."""

    cause: str
    first: int
    last: int
    ramp: int
    worst: Condition

    def strength(self, frame: int) -> float:
        """0 outside, 1 at the height."""
        inside = min(frame - self.first + 1, self.last + 1 - frame) / self.ramp
        return float(np.clip(inside, 0, 1))


def simulate_night(
    seed: int,
    frames: int,
    shape: tuple[int, int],
    faults: Sequence[str] | None = None,
    *,
    wander: bool = False,
    moon: float = 1.0,
) -> Iterator[SimFrame]:
    """Frames of one night in the order of time, with ``date_obs_utc``.

    Parameters:
        seed: of the rig (see ``rig_split``) and of all that happens.
        frames: how many.
        shape: (H, W).
        faults: causes (or ``satellite``) in the order in which they come, one episode each; ``()`` for an
            untroubled night; ``None`` draws them.
        wander: the mount's errors go on between the frames, as where nobody guides: a drift carries the field away
            until it is centred anew, and the worm turns on.
        moon: factor by which the rising moon has lifted the sky at the end of the night; from a random moment on.

    Raises:
        ValueError: an unknown fault.
    """
    unknown = set(faults or ()) - set(CLASS_OF_CAUSE) - {SATELLITE}
    if unknown:
        raise ValueError(
            f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join(CLASS_OF_CAUSE)}, {SATELLITE}"
        )
    rig = rig_from_seed(seed)
    rng = np.random.default_rng([seed, 0x91647])
    field = draw_field(rng, rig, shape)
    if faults is None:
        number = int(rng.poisson(frames / 25))
        faults = [str(rng.choice([*CLASS_OF_CAUSE, SATELLITE])) for _ in range(number)]
    episodes = _plan(rng, rig, frames, faults)
    start = datetime(2025, 1, 1, 18, tzinfo=UTC) + timedelta(
        days=int(rng.integers(365)), seconds=float(rng.uniform(0, 4 * 3600))
    )
    overhead_s = float(rng.uniform(1, 15))
    cadence = 1 + overhead_s / rig.exposure_s
    moonrise = frames * float(np.random.default_rng([seed, 0x3003]).uniform(0.2, 0.6)) if moon > 1 else frames
    mount = Mount(cadence)
    for number, condition in enumerate(weather(rng, rig, frames)):
        for episode in episodes:
            condition = troubled(rng, condition, episode, episode.strength(number))
        if number > moonrise:
            risen = (number - moonrise) / (frames - moonrise)
            condition = replace(condition, sky_factor=condition.sky_factor * moon**risen, moon=True)
        if wander:
            condition = mount.carry(condition)
        taken = render(rig, field, condition, rng, shape)
        when = start + timedelta(seconds=number * (rig.exposure_s + overhead_s))
        yield replace(taken, date_obs_utc=when)


class Mount:
    """Where the field is after all the errors so far, and how far the worm has turned."""

    def __init__(self, cadence: float) -> None:
        self._cadence = cadence
        self._place_px = np.zeros(2)
        self._turned = 0.0

    def carry(self, condition: Condition) -> Condition:
        """The condition of the next frame with the field where the mount has carried it.

        A path is centred on the middle of the exposure, so from frame to frame the field moves by the drift of a
        whole cadence; the wave of the worm is drawn inside the frame, so only its phase goes on.
        """
        motion = condition.motion
        if motion.drift_px > DRIFTS_PX:
            angle = math.radians(motion.drift_angle_deg)
            self._place_px += self._cadence * motion.drift_px * np.array([math.cos(angle), math.sin(angle)])
        if motion.drift_px <= DRIFTS_PX or math.hypot(*self._place_px) > RECENTRE_PX:
            self._place_px = np.zeros(2)
        if motion.periodic_px:
            self._turned += 2 * math.pi * motion.periodic_cycles * self._cadence
            motion = replace(motion, periodic_phase=motion.periodic_phase + self._turned)
        return replace(
            condition,
            motion=motion,
            dither_x_px=condition.dither_x_px + float(self._place_px[0]),
            dither_y_px=condition.dither_y_px + float(self._place_px[1]),
        )


def _plan(rng: np.random.Generator, rig: Rig, frames: int, faults: Sequence[str]) -> list[Episode]:
    """Episodes without overlap, after a quiet beginning."""
    quiet = min(max(frames // 6, 3), 15)
    slot = max((frames - quiet) / max(len(faults), 1), 1.0)
    episodes = []
    for index, cause in enumerate(faults):
        first = int(quiet + index * slot + rng.uniform(0, 0.25) * slot)
        longest = max(int(0.7 * slot), 1)
        length = 1 if cause == SATELLITE else int(rng.integers(max(longest // 2, 1), longest + 1))
        kind = CLASS_OF_CAUSE.get(cause)
        if kind == "bad_tracking" and rng.random() < 0.4:
            kind = "very_bad_tracking"
        worst = Condition(trails=int(rng.integers(1, 3))) if kind is None else draw_condition(rng, rig, kind, cause)
        sudden = cause in ("jump", "leak", "wind")
        ramp = 1 if sudden else int(rng.integers(1, max(length // 2, 1) + 1))
        episodes.append(Episode(cause=cause, first=first, last=first + length - 1, ramp=ramp, worst=worst))
    return episodes


def weather(rng: np.random.Generator, rig: Rig, frames: int) -> Iterator[Condition]:
    """Slow changes that are no fault, and dithers.

    Parameters:
        rig: whose own elongation strays from frame to frame.
        frames: how many.
    """
    seeing, sky_slope = float(rng.normal(0, 0.08)), float(rng.uniform(-0.35, 0.35))
    gradient, angle = float(rng.uniform(0, 0.15)), float(rng.uniform(0, 360))
    guiding_px = float(rng.uniform(0, 0.45)) * rig.f0_px
    stray_px2 = rig.elongation_stray * math.hypot(*psf.usual_elongation_px2(rig))
    moon = bool(rng.random() < 0.6)
    dither_px, every = float(rng.uniform(0, 12)), int(rng.integers(1, 6))
    shift = np.zeros(2)
    cosmic_rays = float(rng.gamma(1.0, 4.0))
    for number in range(frames):
        seeing = 0.95 * seeing + float(rng.normal(0, 0.025))
        if number % every == 0:
            shift = rng.uniform(-dither_px, dither_px, 2)
        yield Condition(
            seeing_factor=math.exp(float(np.clip(seeing, -0.18, 0.16))),
            motion=Motion(drift_px=float(rng.uniform(0, guiding_px)), drift_angle_deg=angle),
            gradient_fraction=gradient,
            gradient_angle_deg=angle,
            sky_factor=math.exp(sky_slope * number / max(frames, 1)),
            moon=moon,
            stray_plus_px2=float(stray_px2 * rng.normal()),
            stray_cross_px2=float(stray_px2 * rng.normal()),
            trails=int(rng.random() < 0.02),
            cosmic_rays_mpx=cosmic_rays,
            pattern_seed=int(rng.integers(2**31)),
            dither_x_px=float(shift[0]),
            dither_y_px=float(shift[1]),
        )


def troubled(rng: np.random.Generator, calm: Condition, episode: Episode, strength: float) -> Condition:
    """A calm frame with one fault at part of its height."""
    if strength <= 0:
        return calm
    worst, cause = episode.worst, episode.cause
    if cause == SATELLITE:
        return replace(calm, trails=worst.trails)
    if cause in ("drift", "periodic", "jump", "wind", "rotation"):
        motion = worst.motion.scaled(strength * float(rng.uniform(0.85, 1.0)))
        return replace(calm, motion=replace(motion, wind_seed=int(rng.integers(2**31))))
    if cause == "seeing":
        return replace(calm, seeing_factor=calm.seeing_factor * worst.seeing_factor**strength)
    if cause == "defocus":
        return replace(calm, defocus_px=worst.defocus_px * strength)
    if cause in ("cloud", "dew"):
        return replace(
            calm,
            extinction_mag=worst.extinction_mag * strength,
            cloud_contrast=worst.cloud_contrast,
            cloud_glow=worst.cloud_glow,
            dew=worst.dew * strength,
        )
    if cause == "gradient":
        return replace(
            calm,
            gradient_fraction=worst.gradient_fraction * strength,
            gradient_angle_deg=worst.gradient_angle_deg,
            gradient_bend=worst.gradient_bend,
        )
    if cause == "leak":
        return replace(calm, leak_fraction=worst.leak_fraction * strength, leak_seed=worst.leak_seed)
    return replace(
        calm,
        sky_factor=calm.sky_factor * worst.sky_factor**strength,
        sky_slope=worst.sky_slope,
        moon=cause == "moon",
    )
