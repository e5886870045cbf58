"""Verdicts on real good frames with injected faults: ``python -m benchmarks.injected --frames FOLDER``.

FOLDER has ``labels.csv`` and a folder of frames for each telescope. Every night goes through the real stages and the
judge from its first frame on; five classes are drawn as often. Intervals draw whole nights again.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from astro_monitor.records import CLASSES
from benchmarks.judging import Night
from benchmarks.shares import share, shown
from training.injected.sequence import FIRST_GOOD, FRAMES, Source, night, sources

TELESCOPES = ("night_tres1", "seestar_m94")
"""Folders of real frames: two telescopes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One frame with an injected fault: what is true, and what was said."""

    night: int
    label: str
    cause: str
    said: str
    said_cause: str
    decision: str
    strength: float


def main() -> None:
    """Judge nights of both telescopes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, required=True, help="folder with labels.csv")
    parser.add_argument("--each", type=int, default=100, help="frames of each class, at least, of each telescope")
    parser.add_argument("--telescopes", nargs="*", default=TELESCOPES)
    parser.add_argument("--show", action="store_true", help="print each frame that was judged wrong")
    chosen = parser.parse_args()
    print("| telescope | frames | right class | good rejected | bad kept | review | cause, class right |")
    print("|---|---|---|---|---|---|---|")
    for telescope in chosen.telescopes:
        frames = sources(chosen.frames, telescope)
        nights = -(-chosen.each * len(CLASSES) // (FRAMES - FIRST_GOOD))
        judged = [one for seed in range(nights) for one in judge(frames, seed)]
        print(_row(telescope, judged))
        for label in CLASSES:
            said = Counter(f"{one.said} ({one.decision})" for one in judged if one.label == label)
            print(f"  {label}: " + ", ".join(f"{answer} {count}" for answer, count in said.most_common()))
        if chosen.show:
            for one in judged:
                if one.said != one.label:
                    print(f"  {one}")


def judge(frames: list[Source], seed: int) -> list[Judged]:
    """Judge one night, and return its frames with injected faults and the good ones among them."""
    program, judged = Night(), []
    for number, taken in enumerate(night(frames, seed)):
        verdict = program.take(taken.frame).verdict
        if number >= FIRST_GOOD:
            judged.append(
                Judged(
                    night=seed, label=taken.label, cause=taken.cause, said=verdict.label, said_cause=verdict.cause,
                    decision=verdict.decision, strength=taken.strength,
                )
            )  # fmt: skip
    return judged


def _row(telescope: str, judged: list[Judged]) -> str:
    """Return the row of the table of one telescope."""
    right = by_night(judged, lambda one: True, lambda one: one.said == one.label)
    good_rejected = by_night(judged, lambda one: one.label == "good", lambda one: one.decision == "reject")
    bad_kept = by_night(judged, lambda one: one.label != "good", lambda one: one.decision == "keep")
    review = by_night(judged, lambda one: True, lambda one: one.decision == "review")
    causes = by_night(judged, lambda one: one.said == one.label != "good", lambda one: one.cause == one.said_cause)
    columns = (right, good_rejected, bad_kept, review, causes)
    return f"| {telescope} | {len(judged)} | " + " | ".join(shown(share(hits)) for hits in columns) + " |"


def by_night(judged: list[Judged], counts: Callable[[Judged], bool], hit: Callable[[Judged], bool]) -> list[list[bool]]:
    """Return for each night whether each of its frames that count is a hit.

    Parameters:
        judged: frames of all nights.
        counts: whether a frame counts.
        hit: whether it is a hit.
    """
    nights: dict[int, list[bool]] = {}
    for one in judged:
        cases = nights.setdefault(one.night, [])
        if counts(one):
            cases.append(hit(one))
    return list(nights.values())


if __name__ == "__main__":
    main()
