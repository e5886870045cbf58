"""How good the verdicts are: simulated nights of rigs that training never saw, through the real stages and the judge.

Unlike the scores in the model's card, which are the model's alone, these are of what the program decides: rules, model
and baseline together, each frame judged with what the judge had learnt from the frames before. Run it as
``python -m benchmarks.nights``; see the README in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astro_monitor.records import CLASSES
from benchmarks.shares import share, shown

if TYPE_CHECKING:
    from training.simulate.rigs import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One frame: what was simulated, what the model said, what was decided."""

    rig: int
    label: str
    cause: str
    margin: float
    model: str
    said: str
    said_cause: str
    decision: str
    rule: str
    baseline_size: int


def judge_night(folder: Path, split: Split, seed: int) -> list[Judged]:
    """Take all frames of one rig through detection, measuring, grading and judging, in the order of time.

    Parameters:
        folder: where rendered frames are kept, or put.
        split: ``validation`` to tune on, ``test`` to report.
        seed: of the rig.
    """
    from benchmarks.judging import Night
    from training.iqa.dataset import frames_of
    from training.iqa.rigs import load_rig, render_rig

    takes = load_rig(render_rig(folder, split, seed))
    program, night = Night(), []
    for take, frame in zip(takes, frames_of(takes), strict=True):
        one = program.take(frame)
        verdict = one.verdict
        night.append(
            Judged(
                rig=seed, label=take.truth["label"], cause=take.truth["cause"], margin=take.truth["margin"],
                model=one.examined.grade.label, said=verdict.label, said_cause=verdict.cause,
                decision=verdict.decision, rule=verdict.reasons[0].rule if verdict.reasons else "",
                baseline_size=verdict.baseline_size,
            )
        )  # fmt: skip
    return night


def scores(frames: Sequence[Judged]) -> dict[str, Any]:
    """Shares of firm frames, with 95 % intervals from drawing whole rigs anew."""
    firm = [one for one in frames if one.label in CLASSES]
    bad = [one for one in firm if one.label != "good"]
    good = [one for one in firm if one.label == "good"]
    named = [one for one in bad if one.said == one.label]
    return {
        "rigs": len({one.rig for one in frames}),
        "frames": len(firm),
        "accuracy": _share(firm, [one.said == one.label for one in firm]),
        "macro_f1": round(float(np.mean([_f1(firm, name) for name in CLASSES])), 4),
        "bad_kept": _share(bad, [one.decision == "keep" for one in bad]),
        "good_rejected": _share(good, [one.decision == "reject" for one in good]),
        "good_to_review": _share(good, [one.decision == "review" for one in good]),
        "bad_to_review": _share(bad, [one.decision == "review" for one in bad]),
        "unknown": _share(firm, [one.said == "unknown" for one in firm]),
        "cause_given_class": _share(named, [one.said_cause == one.cause for one in named]),
        "confusion": {
            name: dict(Counter(one.said for one in firm if one.label == name)) for name in CLASSES
        },
        "decisions": {name: dict(Counter(one.decision for one in firm if one.label == name)) for name in CLASSES},
    }  # fmt: skip


def _share(frames: Sequence[Judged], hits: Sequence[bool]) -> dict[str, Any]:
    by_rig: dict[int, list[bool]] = {}
    for one, hit in zip(frames, hits, strict=True):
        by_rig.setdefault(one.rig, []).append(hit)
    return share([by_rig[rig] for rig in sorted(by_rig)])


def _f1(frames: Sequence[Judged], name: str) -> float:
    both = sum(one.label == name == one.said for one in frames)
    either = sum(one.label == name for one in frames) + sum(one.said == name for one in frames)
    return 2 * both / either if either else 1.0


def tables(frames: Sequence[Judged]) -> str:
    """The scores as Markdown."""
    all_frames = scores(frames)
    later = scores([one for one in frames if one.baseline_size >= 5])
    lines = [
        f"{all_frames['rigs']} rigs, {all_frames['frames']} frames with a firm label",
        "",
        "| score | bar | all frames | with a baseline of 5 or more |",
        "|---|---|---|---|",
    ]
    bars = {"accuracy": "≥ 0.93", "bad_kept": "≤ 0.05", "good_rejected": "≤ 0.03"}
    for name in ("accuracy", "macro_f1", "bad_kept", "good_rejected", "good_to_review", "bad_to_review", "unknown",
                 "cause_given_class"):  # fmt: skip
        lines.append(f"| {name} | {bars.get(name, '')} | {_cell(all_frames[name])} | {_cell(later[name])} |")
    said = (*CLASSES, "unknown")
    lines += ["", f"| simulated | {' | '.join(said)} | keep | review | reject |", "|---" * (len(said) + 4) + "|"]
    for name in CLASSES:
        row = [str(all_frames["confusion"][name].get(one, 0)) for one in said]
        row += [str(all_frames["decisions"][name].get(one, 0)) for one in ("keep", "review", "reject")]
        lines.append(f"| {name} | {' | '.join(row)} |")
    lines += ["", "| cause | frames | right class | kept | review | rejected |", "|---|---|---|---|---|---|"]
    for cause in sorted({one.cause for one in frames if one.label in CLASSES}):
        some = [one for one in frames if one.cause == cause and one.label in CLASSES]
        right = sum(one.said == one.label for one in some) / len(some)
        kinds = Counter(one.decision for one in some)
        lines.append(
            f"| {cause} | {len(some)} | {right:.3f} | {kinds['keep']} | {kinds['review']} | {kinds['reject']} |"
        )
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return shown(value) if isinstance(value, dict) else f"{value:.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nights", description=__doc__)
    parser.add_argument("--split", choices=("validation", "test"), default="test", help="tune on one, report the other")
    parser.add_argument("--rigs", type=int, default=100, help="number of rigs, one night each")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="keep rendered frames in this folder for the next run")
    parser.add_argument("--json", type=Path, help="write scores and all frames here")
    options = parser.parse_args(argv)
    from training.iqa.rigs import rig_seeds

    seeds = rig_seeds(options.split, options.rigs)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        frames: list[Judged] = []
        with ProcessPoolExecutor(options.workers) as pool:
            jobs = [pool.submit(judge_night, folder, options.split, seed) for seed in seeds]
            for number, job in enumerate(jobs, 1):
                frames += job.result()
                sys.stderr.write(f"\r{number} of {len(jobs)} nights")
    sys.stderr.write("\n")
    print(tables(frames))
    if options.json is not None:
        written = {"scores": scores(frames), "frames": [asdict(one) for one in frames]}
        options.json.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
