"""How soon warnings come, and how rightly: simulated nights of rigs that training never saw, judged frame by frame.

Each night has 60 to 200 frames and some episodes of trouble that grow, stay and fade. An *episode* here is what the
labels say: two or more frames of one kind of fault, with nothing sound in between. One night in six has no fault at
all but a moon that rises; on every other night nobody guides, so that drifts carry the field away. Run it as
``python -m benchmarks.alerts``; it needs the ``train`` extra.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.shares import share, shown

if TYPE_CHECKING:
    from training.simulate.rigs import Split

KIND_OF = {
    "bad_tracking": "tracking",
    "very_bad_tracking": "tracking",
    "bad_seeing": "seeing",
    "background_issue": "background",
}
KINDS = ("tracking", "seeing", "background")
FRAMES = (60, 200)
SHAPE = (640, 896)
FAULTS_PER_FRAME = 1 / 22
MOON = 3.2
"""A sky four times as bright would be a fault by its label."""
SOON = {"severe": 2, "mild": 4}
"""Frames after the first bad one by which the warning should be there."""

CLOSED_AFTER = 3
PERHAPS = 0.4
"""From this true strength on a fault may be seen; from 0.5 on it is one."""
LOOK_BACK = 3
"""A warning is right when one of so many frames before it had the fault, or could have been said to have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One frame: what was simulated, and what changed about the warnings."""

    label: str
    cause: str
    faults: dict[str, float]
    said: str
    said_cause: str
    decision: str
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    causes: dict[str, str]
    judge_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One spell of a fault and the warning about it.

    Attributes:
        delay: frames from the first bad one to the warning; ``None`` when none came.
        closed_after: sound frames from the last bad one to the end of the warning; ``None`` when the night ended first,
            or there was no warning.
    """

    kind: str
    cause: str
    severe: bool
    frames: int
    delay: int | None
    closed_after: int | None
    right_cause: bool


def render_night(folder: Path, split: Split, seed: int, index: int) -> Path:
    """Render a night into ``folder`` unless it is there already.

    Parameters:
        split: whose rigs.
        seed: of the rig and of all that happens.
        index: number of the night; decides what kind it is.

    Returns:
        path of an ``.npz`` with ``pixels`` (n, H, W) uint16 and ``facts``, JSON text.
    """
    from training.iqa.rigs import store_rig
    from training.simulate import simulate_night
    from training.simulate.nights import CLASS_OF_CAUSE, SATELLITE

    path = folder / f"{split}-{index:03d}-{seed:08d}.npz"
    if path.exists():
        return path
    rng = np.random.default_rng([seed, 0xA1E7])
    count = int(rng.integers(*FRAMES))
    moonlit = index % 6 == 1
    causes = [*CLASS_OF_CAUSE, SATELLITE]
    faults = [] if moonlit else [str(cause) for cause in rng.choice(causes, max(1, round(count * FAULTS_PER_FRAME)))]
    store_rig(path, simulate_night(seed, count, SHAPE, faults, wander=index % 2 == 0, moon=MOON if moonlit else 1.0))
    return path


def judge_night(folder: Path, split: Split, seed: int, index: int) -> list[Seen]:
    """Take a night through detection, measuring, grading and judging.

    Parameters:
        folder: where rendered nights are kept, or put.
        split, seed, index: as for :func:`render_night`.
    """
    from benchmarks.judging import Night
    from training.iqa.dataset import frames_of
    from training.iqa.rigs import load_rig

    takes = load_rig(render_night(folder, split, seed, index))
    program, night = Night(), []
    for take, dressed in zip(takes, frames_of(takes), strict=True):
        moment = datetime.fromisoformat(take.truth["time"])
        one = program.take(replace(dressed, meta=replace(dressed.meta, date_obs_utc=moment)))
        night.append(
            Seen(
                label=take.truth["label"], cause=take.truth["cause"], faults=take.truth["faults"],
                said=one.verdict.label, said_cause=one.verdict.cause, decision=one.verdict.decision,
                opened=tuple(alert.kind for alert in one.alerts if alert.change == "opened"),
                closed=tuple(alert.kind for alert in one.alerts if alert.change == "closed"),
                causes={alert.kind: alert.cause for alert in one.alerts}, judge_ms=one.judge_ms,
            )
        )  # fmt: skip
    return night


def episodes(night: Sequence[Seen]) -> Iterator[Episode]:
    """Find the spells of each fault, and what the warnings made of them."""
    for kind in KINDS:
        has = [KIND_OF.get(one.label) == kind for one in night]
        may = [bad or _could(one, kind) for bad, one in zip(has, night, strict=True)]
        first = 0
        while first < len(night):
            if not has[first]:
                first += 1
                continue
            last = first
            while last + 1 < len(night) and may[last + 1]:
                last += 1
            spell = [place for place in range(first, last + 1) if has[place]]
            if len(spell) >= 2:
                yield _episode(night, kind, first, last, spell)
            first = last + 1


def _episode(night: Sequence[Seen], kind: str, first: int, last: int, spell: Sequence[int]) -> Episode:
    opened = _open_at(night, kind, first, last)
    closed, named = None, ""
    if opened is not None:
        closing = next((place for place in range(last + 1, len(night)) if kind in night[place].closed), None)
        closed = None if closing is None else closing - last
        told = [night[place].causes[kind] for place in range(opened, last + 1) if kind in night[place].causes]
        named = told[-1] if told else ""
    cause = max({night[place].cause for place in spell}, key=[night[place].cause for place in spell].count)
    return Episode(
        kind=kind, cause=cause, severe=any(night[place].label == "very_bad_tracking" for place in spell[:2]),
        frames=len(spell), delay=None if opened is None else max(0, opened - first), closed_after=closed,
        right_cause=named == cause,
    )  # fmt: skip


def _open_at(night: Sequence[Seen], kind: str, first: int, last: int) -> int | None:
    """Frame with which the warning of this spell began, which may be before it; ``None`` when there was none."""
    open_since: int | None = None
    for place in range(last + 1):
        if kind in night[place].closed:
            open_since = None
        if kind in night[place].opened:
            open_since = place
        if open_since is not None and place >= first:
            return open_since
    return None


def _could(one: Seen, kind: str) -> bool:
    """Whether a frame that is not called so might be: ambiguous, or with another, worse fault as well."""
    return one.label == "ambiguous" or one.faults[kind] >= PERHAPS


def false_alerts(night: Sequence[Seen]) -> list[str]:
    """Kinds of warnings that opened although no frame just before gave a reason."""
    return [
        kind
        for place, one in enumerate(night)
        for kind in one.opened
        if kind in KINDS
        and not any(
            KIND_OF.get(before.label) == kind or _could(before, kind)
            for before in night[max(0, place - LOOK_BACK + 1) : place + 1]
        )
    ]


def scores(nights: Sequence[Sequence[Seen]]) -> dict[str, Any]:
    """Figures over all nights; intervals (95 %) draw whole nights anew."""
    found = [list(episodes(night)) for night in nights]
    wrong = [len(false_alerts(night)) for night in nights]
    result: dict[str, Any] = {"nights": len(nights), "frames": sum(map(len, nights)), "episodes": sum(map(len, found))}
    for name, severe in (("severe", True), ("mild", False)):
        limit = SOON[name]
        result[f"{name}_in_time"] = share(
            [[one.delay is not None and one.delay <= limit for one in some if one.severe == severe] for some in found]
        )
    result["warned"] = share([[one.delay is not None for one in some] for some in found])
    result["false_per_10_nights"] = round(10 * sum(wrong) / len(nights), 2)
    result["closed_in_time"] = share(
        [[one.closed_after <= CLOSED_AFTER for one in some if one.closed_after is not None] for some in found]
    )
    result["right_cause"] = share([[one.right_cause for one in some if one.delay is not None] for some in found])
    result["frame_cause"] = share(
        [[one.said_cause == one.cause for one in night if one.label in KIND_OF and one.said == one.label]
         for night in nights]
    )  # fmt: skip
    result["good_rejected"] = share(
        [[one.decision == "reject" for one in night if one.label == "good"] for night in nights]
    )
    result["bad_kept"] = share([[one.decision == "keep" for one in night if one.label in KIND_OF] for night in nights])
    result["judge_ms_99_percent"] = round(
        float(np.quantile([one.judge_ms for night in nights for one in night], 0.99)), 2
    )
    return result


BARS = {
    "severe_in_time": "all within 2 frames", "mild_in_time": "all within 4 frames", "warned": "",
    "false_per_10_nights": "≤ 1", "closed_in_time": "all within 3 good frames", "right_cause": "≥ 0.90",
    "frame_cause": "≥ 0.90",
    "good_rejected": "≤ 0.01", "bad_kept": "≤ 0.02", "judge_ms_99_percent": "≤ 5",
}  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """Give the figures as Markdown."""
    lines = [
        f"{found['nights']} nights, {found['frames']} frames, {found['episodes']} episodes",
        "", "| figure | bar | reached |", "|---|---|---|",
    ]  # fmt: skip
    for name, bar in BARS.items():
        value = found[name]
        cell = f"{shown(value)} of {value['of']}" if isinstance(value, dict) else value
        lines.append(f"| {name.replace('_', ' ')} | {bar} | {cell} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--split", choices=("validation", "test"), default="test", help="tune on one, report the other")
    parser.add_argument("--nights", type=int, default=24)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="keep rendered nights in this folder for the next run (GBs)")
    parser.add_argument("--json", type=Path, help="write figures, episodes and frames here")
    options = parser.parse_args(argv)
    from training.iqa.rigs import rig_seeds

    seeds = rig_seeds(options.split, options.nights)
    nights = []
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor(options.workers) as pool:
        folder = options.keep or Path(scratch)
        jobs = [pool.submit(judge_night, folder, options.split, seed, index) for index, seed in enumerate(seeds)]
        for number, job in enumerate(jobs, 1):
            nights.append(job.result())
            sys.stderr.write(f"\r{number} of {len(seeds)} nights")
    sys.stderr.write("\n")
    found = scores(nights)
    print(table(found))
    if options.json is not None:
        written = {
            "scores": found,
            "episodes": [[asdict(one) for one in episodes(night)] for night in nights],
            "nights": [[asdict(one) for one in night] for night in nights],
        }
        options.json.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
