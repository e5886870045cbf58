"""Lengths of paths by moments and by the kernel, against the truth: ``python -m benchmarks.kernels``.

For each rig two frames of one field are simulated after a reference frame with perfect tracking: one without a path,
and one in which the stars draw a path of 0.5 to 6 widths, in other seeing and elsewhere on the sensor. Prints a
Markdown table: the errors of ``trail_length_px`` and of ``kernel_length_px``, and the shape numbers of the kernel for
each cause. Rigs have seeds of their own, never those of training or tests. Takes about four seconds a rig on one core.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.measure import Measurer, relate
from astro_monitor.records import Baseline, Frame, FrameMeta, Measured, StarProfile, baseline_key
from astro_monitor.settings import load
from training import arrivals
from training.simulate import Condition, Rig, SimFrame, draw_field, render, rig_from_seed
from training.simulate.conditions import still_fwhm_px
from training.simulate.motion import Motion

FIRST_SEED = 9_000_000
SHAPE = (640, 896)
CAUSES = ("drift", "periodic", "jump", "wind")
SHORTEST, LONGEST = 0.5, 6.0
"""Lengths of paths over the width of the stars, drawn evenly in the logarithm."""
LONGEST_PX = 40.0
"""No path is longer: a stack has 49 pixels."""
SEEING = (0.95, 1.2)
"""Width of the second frame without its path, over that of the reference."""
LENGTHS = ("moments", "kernel", "directed")
"""Lengths of the table, by their names in :class:`Outcome`."""
BINS = ((0.0, 0.0), (0.5, 1.2), (1.2, 3.0), (3.0, 6.5))
"""Ranges of the true length over the width, for the tables; the first is that of frames without a path."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One frame. Lengths over the width F that the stars would have without the path; ``None``: not measured.

    Attributes:
        cause: of the path.
        true: length.
        moments: ``trail_length_px``.
        kernel: ``kernel_length_px``.
        directed: the kernel's length without what widens the stars in all directions, √(length² - minor²).
        halo, gap, ends: shape numbers of the kernel.
    """

    cause: str
    true: float
    moments: float | None
    kernel: float | None
    directed: float | None
    halo: float | None
    gap: float | None
    ends: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rigs", type=int, default=100)
    chosen = parser.parse_args()
    stages = Detector(open_model(load().models.star_finder, threads=1)), Measurer()
    print_tables([outcome for number in range(chosen.rigs) for outcome in outcomes(number, *stages)])


def outcomes(number: int, finder: Detector, measurer: Measurer) -> list[Outcome]:
    """Return what was measured on the frames of one rig: with a path, and without one."""
    seed = FIRST_SEED + number
    rng = np.random.default_rng([seed, 0xCE])
    rig = rig_from_seed(seed)
    field = draw_field(rng, rig, SHAPE)
    calm = Condition(seeing_factor=float(rng.uniform(*SEEING)), dither_x_px=4.3, dither_y_px=-7.6)
    cause, width_px = CAUSES[number % len(CAUSES)], still_fwhm_px(rig, calm)
    wanted_px = width_px * math.exp(rng.uniform(math.log(SHORTEST), math.log(LONGEST)))
    motion = motion_of(cause, rng)
    moving = replace(calm, motion=motion.scaled(min(wanted_px, LONGEST_PX) / motion.length_px()))
    taken = [render(rig, field, condition, rng, SHAPE) for condition in (Condition(), calm, moving)]
    frames = [_frame(one, f"{seed:08x}{place:08x}") for place, one in enumerate(taken)]
    usual, *others = [measurer.measure(frame, finder.detect(frame)) for frame in frames]
    return [
        _outcome(named, condition, rig, usual, measured, frames[0])
        for named, condition, measured in zip(("none", cause), (calm, moving), others, strict=True)
    ]


def motion_of(cause: str, rng: np.random.Generator) -> Motion:
    """Return a path of a cause, of any length."""
    angle_deg = float(rng.uniform(0, 180))
    if cause == "drift":
        return Motion(drift_px=1.0, drift_angle_deg=angle_deg)
    if cause == "periodic":
        cycles, phase = float(rng.uniform(1, 3)), float(rng.uniform(0, 2 * math.pi))
        return Motion(
            periodic_px=1.0, periodic_cycles=cycles, periodic_phase=phase, right_ascension_angle_deg=angle_deg
        )
    if cause == "jump":
        return Motion(jump_px=1.0, jump_angle_deg=angle_deg, jump_share=float(rng.uniform(0.15, 0.85)))
    return Motion(wind_px=1.0, wind_seed=int(rng.integers(1 << 30)))


def _frame(taken: SimFrame, name: str) -> Frame:
    """Return a simulated frame as one that was read from a file."""
    taken.pixels.flags.writeable = False
    return Frame(
        frame_id=name, sha256=name * 4, arrival=arrivals.simulated(name), pixels=taken.pixels, sensor_px_per_px=1,
        meta=FrameMeta(kind="light", exposure_s=taken.rig.exposure_s), sensor_shape=SHAPE, saturation_adu=65535.0,
    )  # fmt: skip


def _outcome(cause: str, condition: Condition, rig: Rig, usual: Measured, measured: Measured, frame: Frame) -> Outcome:
    """Return the measured lengths of one frame against the reference, over the width without the path."""
    baseline = Baseline(
        key=baseline_key(frame.meta, frame.sensor_shape),
        reference_stars=usual.measurements.bright_stars,
        profile=_profile(usual),
    )
    values = relate(measured.measurements, frame.sensor_shape, baseline, _profile(measured)).values
    width_px = still_fwhm_px(rig, condition)

    def over_width(key: str) -> float | None:
        length_px = values[key]
        return None if length_px is None else length_px / width_px

    length, minor = over_width("kernel_length_px"), over_width("kernel_minor_px")
    directed = None if length is None or minor is None else math.sqrt(length**2 - minor**2)
    return Outcome(
        cause, condition.motion.length_px() / width_px, over_width("trail_length_px"), length, directed,
        values["kernel_halo_fraction"], values["kernel_gap_fraction"], values["kernel_end_brightness"],
    )  # fmt: skip


def _profile(measured: Measured) -> StarProfile:
    """Return the mean star of a measured frame."""
    stacks = measured.stacks
    return StarProfile.packed_from(stacks.stack, stacks.bin_px, 1, stacks.count)


def print_tables(found: Sequence[Outcome]) -> None:
    """Print the errors of the lengths, and the shape numbers, by cause and true length."""
    print("| cause | L / F | frames | moments: median error, scatter, worst | kernel | directed | halo | gap | ends |")
    print("|---|---|---|---|---|---|---|---|---|")
    for cause in ("none", *CAUSES):
        for low, high in BINS:
            rows = [one for one in found if one.cause == cause and low <= one.true <= high]
            if rows:
                lengths = (_errors([(getattr(one, name), one.true) for one in rows]) for name in LENGTHS)
                shapes = (_median([getattr(one, name) for one in rows]) for name in ("halo", "gap", "ends"))
                print(f"| {cause} | {low:g} to {high:g} | {len(rows)} | {' | '.join(lengths)} | {' | '.join(shapes)} |")


def _errors(pairs: Sequence[tuple[float | None, float]]) -> str:
    """Return median, scaled median absolute deviation and worst error of lengths, each over the larger of L and F."""
    errors = [(measured - true) / max(true, 1.0) for measured, true in pairs if measured is not None]
    if not errors:
        return "–"
    middle = statistics.median(errors)
    scatter = 1.4826 * statistics.median(abs(error - middle) for error in errors)
    missing = f", {len(pairs) - len(errors)} missing" if len(errors) < len(pairs) else ""
    return f"{middle:+.2f}, {scatter:.2f}, {max(errors, key=abs):+.2f}{missing}"


def _median(numbers: Sequence[float | None]) -> str:
    """Return the median of known numbers, for the table."""
    known = [number for number in numbers if number is not None]
    return f"{statistics.median(known):.2f}" if known else "–"


if __name__ == "__main__":
    main()
