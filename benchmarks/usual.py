"""What the memory of a rig makes usual: simulated nights as numbers, without pixels and without the quality model.

Each frame is decided on by the borders between the classes alone (the middle of what is ambiguous), against the
baseline as it is then, and again when the baseline is replaced. So the figures are those of what is learnt: frames of a
good night that do not become usual, and faults that do. Run it as ``python -m benchmarks.usual``; a minute for each
twenty nights of each kind.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astro_monitor.baseline import (
    MIN_BASELINE_FRAMES,
    History,
    elongation_path_ratio,
    excess_trail_px,
    sky_change,
    sky_unit_of,
    usual_sky_unit_adu,
)
from astro_monitor.records import Baseline, BaselineKey, Examined, baseline_key
from astro_monitor.testing.rigs import KINDS, Camera, Frame, Rig, good_night, spoil
from benchmarks.shares import share, shown

FRAMES = 60
"""Frames of a night."""
EXCESS_BAD, WIDTH_BAD, CREPT_BAD, LOSS_BAD_MAG, CHANGE_BAD = 0.95, 1.45, 1.6, 0.5, 0.27
"""Middles of the ambiguous bands of excess and width, the border of the sharpest width, that of extinction, and that of
a gradient from corner to corner as cells of the field show it."""

Night = Callable[[random.Random], list[Frame]]


def is_fine(examined: Examined, baseline: Baseline, sharpest_px: float | None) -> bool:
    """Return whether a frame is good by the borders alone.

    Parameters:
        examined: compared with the baseline.
        baseline: of enough frames.
        sharpest_px: usual width of the night at its best.
    """
    values, spreads = examined.measurements.values, baseline.spreads
    width_px = values["fwhm_minor_px"] or 0.0
    excess_px, trail_px = excess_trail_px(values, spreads), values["trail_length_px"] or 0.0
    now, usual = elongation_path_ratio(values["elongation"]), elongation_path_ratio(spreads["elongation"].median)
    cells = [cell.sky_adu for cell in examined.measurements.field_grid]
    change = sky_change(
        cells, values, baseline.sky_pattern, spreads, baseline.turned_sky_pattern, baseline.sky_pattern_level_adu
    )
    unit_adu = usual_sky_unit_adu(spreads) or 1.0
    ordered = sorted(change or [0.0] * 4)
    range_of_sky = (ordered[-2] - ordered[1]) * unit_adu / max(unit_adu, sky_unit_of(values))
    return (
        min(excess_px or 0.0, trail_px) < EXCESS_BAD * width_px
        and math.sqrt(max((now or 0.0) ** 2 - (usual or 0.0) ** 2, 0.0)) < 1.0
        and width_px < WIDTH_BAD * spreads["fwhm_minor_px"].median
        and (not sharpest_px or width_px < CREPT_BAD * sharpest_px)
        and (values["extinction_mag"] or 0.0) < LOSS_BAD_MAG
        and range_of_sky < CHANGE_BAD
    )


@dataclass(slots=True)
class Decided:
    """A frame, whether it is kept, and the number of the baseline by which that was decided; -1: of none."""

    frame: Frame
    kept: bool
    number: int


def night_of(rig: Rig, frames: Sequence[Frame], rng: random.Random) -> tuple[list[Decided], History]:
    """Let a memory see a night, frame by frame.

    Parameters:
        rig: that takes the frames.
        frames: of the night, in order.
        rng: source of chance.

    Returns:
        what became of each frame, second looks included, and the memory.
    """
    camera = Camera(rig, rng)
    first = camera.take(frames[0], Baseline(key=NO_KEY))
    history = History(key=baseline_key(first.meta, first.sensor_shape))
    decided: list[Decided] = []
    for frame in frames:
        examined = camera.take(frame, history.baseline()) if decided else first
        history.arrive(examined)
        decided.append(_decide(frame, examined, history))
        history.note(examined)
        for one in decided:
            if history.baseline().size >= MIN_BASELINE_FRAMES and one.number != history.baseline().number:
                again = _decide(one.frame, camera.take(one.frame, history.baseline()), history)
                one.kept, one.number = again.kept, again.number
    return decided, history


NO_KEY = BaselineKey(rig="", target="", filter="", exposure_s=0.0, gain=0.0, binning=1, height=0, width=0)
"""Of the empty baseline that the first frame is compared with."""


def _decide(frame: Frame, examined: Examined, history: History) -> Decided:
    """Decide on a frame; before the rig is known, nothing is kept."""
    baseline = history.baseline()
    if baseline.size < MIN_BASELINE_FRAMES:
        return Decided(frame, False, -1)
    return Decided(frame, is_fine(examined, baseline, history.floor_fwhm_px), baseline.number)


def good(rng: random.Random) -> list[Frame]:
    """Return a good night."""
    return good_night(rng, FRAMES)


def begins_badly(rng: random.Random) -> list[Frame]:
    """Return a night whose first two to twelve frames have a fault."""
    frames = good(rng)
    spoil(rng, frames[: rng.randint(2, 12)], rng.choice(KINDS))
    return frames


def lasting_trouble(rng: random.Random) -> list[Frame]:
    """Return a night with a fault from the eleventh frame to dawn."""
    frames = good(rng)
    spoil(rng, frames[10:], rng.choice(KINDS))
    return frames


def now_and_then(rng: random.Random) -> list[Frame]:
    """Return a night in which three frames in ten have a fault of their own."""
    frames = good(rng)
    for frame in frames:
        if rng.random() < 0.3:
            spoil(rng, [frame], rng.choice(KINDS))
    return frames


def flip(rng: random.Random) -> list[Frame]:
    """Return a good night with a meridian flip."""
    frames = good(rng)
    for frame in frames[rng.randint(6, 40) :]:
        frame.turned = True
    return frames


def moonrise(rng: random.Random) -> list[Frame]:
    """Return a good night on which the moon rises: the sky grows to eight times, and what slopes in it as well."""
    frames = good(rng)
    for number, frame in enumerate(frames[15:]):
        brighter = 1.0 + 7.0 * min(number / 18.0, 1.0)
        frame.sky *= brighter
        frame.sky_cells = tuple(brighter * part for part in frame.sky_cells)
    return frames


def moonset(rng: random.Random) -> list[Frame]:
    """Return a good night on which the moon sets."""
    frames = good(rng)
    for number, frame in enumerate(frames):
        frame.sky *= 1.0 + 7.0 * max(1.0 - number / 25.0, 0.0)
    return frames


def focus_drifts(rng: random.Random) -> list[Frame]:
    """Return a night on which the focus is lost by 2 % an exposure."""
    frames = good(rng)
    for number, frame in enumerate(frames):
        frame.width = 1.02**number * math.exp(rng.gauss(0.0, 0.03))
        frame.fault = "wide" if frame.width > CREPT_BAD * 1.05 else ""
    return [frame for frame in frames if frame.fault or frame.width < CREPT_BAD / 1.2]


NIGHTS: tuple[Night, ...] = (
    good, begins_badly, lasting_trouble, now_and_then, flip, moonrise, moonset, focus_drifts,
)  # fmt: skip
"""Kinds of nights that are measured."""


def measure(night: Night, count: int) -> str:
    """Return a row of the table.

    Parameters:
        night: draws one.
        count: of nights.
    """
    fine_nights, good_kept, bad_kept, replaced = [], [], [], []
    for seed in range(count):
        rng = random.Random(f"{night.__name__} {seed}")
        decided, history = night_of(Rig.draw(rng), night(rng), rng)
        late = [one.kept for one in itertools.islice(decided, 10, None) if not one.frame.fault]
        late = late or [one.kept for one in decided if not one.frame.fault]
        fine_nights.append([sum(late) >= 0.9 * len(late)])
        good_kept.append([one.kept for one in decided if not one.frame.fault])
        bad_kept.append([one.kept for one in decided if one.frame.fault])
        replaced.append(history.number)
    cells = [shown(share(flags)) for flags in (fine_nights, good_kept, bad_kept)]
    return f"| {night.__name__.replace('_', ' ')} | {' | '.join(cells)} | {sum(replaced) / count:.2f} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.usual", description=__doc__)
    parser.add_argument("--nights", type=int, default=300, help="of each kind")
    parser.add_argument("--kinds", nargs="*", choices=[night.__name__ for night in NIGHTS], default=[])
    options = parser.parse_args(argv)
    print("| nights | with 90 % of good frames kept | good kept | bad kept | groups that were usual |")
    print("|---|---|---|---|---|")
    for night in NIGHTS:
        if not options.kinds or night.__name__ in options.kinds:
            print(measure(night, options.nights), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
