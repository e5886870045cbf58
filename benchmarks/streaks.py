"""How good the search for trails is: true ones found, and structures of sensors, optics and galaxies taken for one.

Single frames, one a rig, drawn by the training simulator with structures and trails of this benchmark's own; each kind
of trail also together with a structure. Then short nights of one rig each, in which the judge learns which lines come
back. Run it as ``python -m benchmarks.streaks``; see the README in this folder.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from astro_monitor.records import Frame, FrameMeta, Streak
from benchmarks.shares import share
from benchmarks.streak_scenes import STRUCTURES, Draft
from benchmarks.streak_trails import KINDS, draw_trail
from training import arrivals
from training.simulate import draw_condition, draw_field, draw_rig, render, rig_split
from training.simulate.visitors import TrailTruth

SHAPE = (480, 640)
NIGHTS_FROM = 5000
FIRST_FRAMES = 4
"""A line that comes back is known after three frames with it."""
ASKED_PX = 90.0
"""Shorter trails are not asked for."""
BRIGHTNESS = (1.0, 2.0, 4.0, 10.0, 60.0)
"""Borders of the classes of a trail's peak over the noise of a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One frame and what was found on it.

    Attributes:
        structure, kind: what was drawn; ``kind`` is empty without a trail.
        peak_snr, length_px: of the trail; 0 without one.
        found: whether a streak lies on it.
        false: streaks that lie on none.
        cpu_ms: processor time of the whole star finder.
    """

    structure: str
    kind: str
    index: int
    peak_snr: float
    length_px: float
    found: bool
    false: tuple[tuple[float, ...], ...]
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A frame, its trail if there is one, and the noise of an empty pixel."""

    frame: Frame
    trail: TrailTruth | None
    noise_e: float


def draw(seed: int, structure: str, kind: str, index: int, number: int = 0) -> Drawn:
    """Draw one frame.

    Parameters:
        seed: of the whole run.
        structure: a key of ``STRUCTURES``.
        kind: of the trail, or empty.
        index: of the rig: it has the same structure in all its frames.
        number: of the frame of the rig; each has its own noise, and its field lies a little elsewhere.
    """
    key = [seed, *hashlib.sha256(f"{structure} {kind}".encode()).digest()[:8], index]
    rng = np.random.default_rng(key)
    rig = draw_rig(rng)
    while rig_split(rig.seed) != "validation":
        rig = draw_rig(rng)
    stars = draw_field(rng, rig, SHAPE)
    condition = replace(draw_condition(rng, rig, "good"), trails=0)
    own = np.random.default_rng([*key, number])
    shift = own.normal(0, 6, 2)
    condition = replace(condition, dither_x_px=float(shift[0]), dither_y_px=float(shift[1]))
    draft = Draft(rig=rig, stars=stars, condition=condition, added_e=np.zeros(SHAPE, np.float32))
    STRUCTURES[structure](rng, draft)
    truth = draw_trail(own, draft, kind) if kind else None
    made = render(draft.rig, draft.stars, draft.condition, own, SHAPE, added_e=draft.added_e)
    pixels = made.whole_pixels
    for finish in draft.finish:
        pixels = finish(own, pixels)
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    name = f"{rig.seed & 0xFFFFFFFF:08x}{number:08x}"
    frame = Frame(
        frame_id=name, sha256=hashlib.sha256(name.encode()).hexdigest(), arrival=arrivals.simulated(name),
        meta=FrameMeta(kind="light", camera=f"simulated {rig.seed}", exposure_s=rig.exposure_s), pixels=pixels,
        sensor_px_per_px=1, sensor_shape=SHAPE, saturation_adu=draft.rig.saturation_adu,
    )  # fmt: skip
    return Drawn(frame=frame, trail=truth, noise_e=made.noise_adu * draft.rig.gain_e_adu)


def lies_on(truth: TrailTruth, found: Streak) -> bool:
    """Whether a found streak is this trail: its middle and both its ends lie near the trail's line, within its ends."""
    dx, dy = truth.x1_px - truth.x0_px, truth.y1_px - truth.y0_px
    length = math.hypot(dx, dy)
    near = 8.0 + truth.width_px
    for x, y in ((found.x0_px, found.y0_px), (found.x1_px, found.y1_px)):
        across = abs((x - truth.x0_px) * dy - (y - truth.y0_px) * dx) / length
        along = ((x - truth.x0_px) * dx + (y - truth.y0_px) * dy) / length
        if across > near or not -60 <= along <= length + 60:
            return False
    return True


def cases(per_structure: int, per_kind: int) -> Iterator[tuple[str, str, int]]:
    """Return structure, kind and number of each frame: structures alone, trails alone, both together."""
    for structure in STRUCTURES:
        yield from ((structure, "", index) for index in range(per_structure))
    others = [name for name in STRUCTURES if name not in ("plain", "drift")]
    for kind in KINDS:
        yield from (("plain", kind, index) for index in range(per_kind))
        yield from ((others[index % len(others)], kind, 1000 + index) for index in range(per_kind // 2))


def try_all(seed: int, wanted: Sequence[tuple[str, str, int]]) -> list[Tried]:
    """Look for trails on every frame."""
    from training.iqa.dataset import shipped_finder

    finder, tried = shipped_finder(), []
    for structure, kind, index in wanted:
        drawn = draw(seed, structure, kind, index)
        truth = drawn.trail
        begun = time.process_time()
        streaks = finder.detect(drawn.frame).streaks
        cpu_ms = 1e3 * (time.process_time() - begun)
        on = [truth is not None and lies_on(truth, streak) for streak in streaks]
        false = [streak for streak, mine in zip(streaks, on, strict=True) if not mine]
        length = math.hypot(truth.x1_px - truth.x0_px, truth.y1_px - truth.y0_px) if truth else 0.0
        snr = truth.peak_e / drawn.noise_e if truth else 0.0
        tried.append(
            Tried(
                structure=structure, kind=kind, index=index, peak_snr=snr, length_px=length, found=any(on),
                false=tuple(tuple(round(value, 1) for value in asdict(one).values()) for one in false),
                cpu_ms=cpu_ms,
            )
        )  # fmt: skip
    return tried


def try_night(seed: int, structure: str, index: int, frames: int) -> list[bool]:
    """Take the frames of one rig through all stages and the judge; whether each was flagged."""
    from benchmarks.judging import Night

    night = Night()
    return [
        "streak" in night.take(draw(seed, structure, "", NIGHTS_FROM + index, number).frame).verdict.flags
        for number in range(frames)
    ]


def interval(hits: Sequence[bool]) -> dict[str, Any]:
    """Return a share with its 95 % Wilson interval, valid near 0 and 1, too. Each frame is of a rig of its own."""
    count, right, z = len(hits), sum(hits), 1.96
    if not count:
        return {"value": None, "low": None, "high": None, "of": 0}
    middle = (right + z * z / 2) / (count + z * z)
    reach = z / (count + z * z) * math.sqrt(right * (count - right) / count + z * z / 4)
    return {
        "value": round(right / count, 4), "low": round(max(middle - reach, 0), 4),
        "high": round(min(middle + reach, 1), 4), "of": count,
    }  # fmt: skip


def scores(tried: Sequence[Tried]) -> dict[str, Any]:
    """Return completeness by kind and by brightness, and the share of frames with a false streak by structure."""
    empty = [one for one in tried if not one.kind]
    asked = [one for one in tried if one.kind and one.length_px >= ASKED_PX and one.peak_snr >= BRIGHTNESS[0]]
    bright = [one for one in asked if one.peak_snr >= BRIGHTNESS[1]]
    return {
        "found_by_brightness": {
            f"{low:g} to {high:g}": interval([one.found for one in asked if low <= one.peak_snr < high])
            for low, high in itertools.pairwise(BRIGHTNESS)
        },
        "found_by_kind": {kind: interval([one.found for one in bright if one.kind == kind]) for kind in KINDS},
        "found_alone": interval([one.found for one in bright if one.structure == "plain"]),
        "found_beside_structure": interval([one.found for one in bright if one.structure != "plain"]),
        "false_by_structure": {
            name: interval([bool(one.false) for one in empty if one.structure == name]) for name in STRUCTURES
        },
        "false_without_trail": interval([bool(one.false) for one in empty]),
        "false_beside_trail": interval([bool(one.false) for one in tried if one.kind]),
        "cpu_ms": round(float(np.median([one.cpu_ms for one in tried])), 1) if tried else None,
    }


def night_scores(nights: dict[str, list[list[bool]]]) -> dict[str, Any]:
    """Return the share of flagged frames of nights, by structure; intervals are a bootstrap over whole nights."""
    everything = [night for some in nights.values() for night in some]
    return {
        **{name: share(some) for name, some in nights.items()},
        "all": share(everything),
        f"all, after {FIRST_FRAMES} frames": share([night[FIRST_FRAMES:] for night in everything]),
    }


def shown(found: dict[str, Any]) -> str:
    """Write a share in percent with its interval."""
    if found["value"] is None:
        return "–"
    return f"{100 * found['value']:.1f} % ({100 * found['low']:.1f} to {100 * found['high']:.1f}) of {found['of']}"


def show(found: dict[str, Any]) -> None:
    for title, key in (("trails found, by peak over noise", "found_by_brightness"),
                       ("trails of at least twice the noise found, by kind", "found_by_kind"),
                       ("frames without a trail that show a streak", "false_by_structure")):  # fmt: skip
        print(f"\n| {title} | |\n|---|---|")
        for name, value in found[key].items():
            print(f"| {name} | {shown(value)} |")
    print("\n| together | |\n|---|---|")
    print(f"| trails found on plain frames | {shown(found['found_alone'])} |")
    print(f"| trails found together with a structure | {shown(found['found_beside_structure'])} |")
    print(f"| frames without a trail that show a streak | {shown(found['false_without_trail'])} |")
    print(f"| frames with a trail that show another streak | {shown(found['false_beside_trail'])} |")
    print(f"| star finder, processor time a frame (median) | {found['cpu_ms']} ms |")


def show_nights(found: dict[str, Any]) -> None:
    print("\n| frames of nights flagged, no trails in them | |\n|---|---|")
    for name, value in found.items():
        print(f"| {name} | {shown(value)} |")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all frames; keep one aside to look at only at the end")
    parser.add_argument("--per-structure", type=int, default=60, help="frames of each structure, without a trail")
    parser.add_argument(
        "--per-kind", type=int, default=40, help="frames of each kind of trail; half as many with a structure"
    )
    parser.add_argument("--nights", type=int, default=4, help="nights with each structure, without trails")
    parser.add_argument("--frames", type=int, default=12, help="frames of a night")
    parser.add_argument("--only", nargs="*", default=[], help="structures or kinds of trails to draw; all without it")
    parser.add_argument("--json", type=Path, help="write all scores and every frame here")
    options = parser.parse_args(arguments)
    wanted = [
        one for one in cases(options.per_structure, options.per_kind)
        if not options.only or one[0] in options.only or one[1] in options.only
    ]  # fmt: skip
    begun = time.monotonic()
    tried = try_all(options.seed, wanted)
    found = scores(tried)
    if tried:
        show(found)
    played = {
        name: [try_night(options.seed, name, index, options.frames) for index in range(options.nights)]
        for name in STRUCTURES
        if not options.only or name in options.only
    }
    nights = night_scores(played)
    if options.nights:
        show_nights(nights)
    print(f"\n{len(tried)} frames, seed {options.seed}, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    if options.json:
        options.json.write_text(
            json.dumps({"scores": found, "nights": nights, "frames": [asdict(one) for one in tried]}, indent=1)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
