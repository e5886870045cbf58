"""One size of frame in a process of its own: the whole verdict, its stages, and the rivals, taking turns.

Prints one JSON object. Started by ``benchmarks.verdict``; a fresh process, because peak memory only ever rises.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.measure import Measurer
from astro_monitor.pipeline import Pipeline
from astro_monitor.read import Reader
from astro_monitor.records import Arrival, Baseline, Examined, Outcome, baseline_key
from astro_monitor.settings import load

from .meter import Samples, peak_memory_mb
from .rivals import SExtractor, read_plainly, sep_default, sep_tuned
from .sky import SHAPES

Step = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frame", type=Path)
    parser.add_argument("megapixels", type=int)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="the verdict only, for its memory")
    chosen = parser.parse_args()
    begun = time.perf_counter()
    pipeline = Pipeline.open(load(flags={"worker": {"threads": chosen.threads}}))
    opened_s = time.perf_counter() - begun
    arrival = arrival_of(chosen.frame)
    baseline = _baseline(pipeline.examine(arrival, ()))
    outcomes: list[Examined] = []
    samples: dict[str, Samples] = defaultdict(Samples)

    def verdict() -> None:
        outcomes.append(_graded(pipeline.examine(arrival, (baseline,))))

    if chosen.alone:
        for _ in range(chosen.repeats):
            verdict()
    else:
        _take_turns(chosen, {"verdict": verdict, **_single_stages(arrival, chosen.threads)}, samples)
    stages = [outcome.timings_s for outcome in outcomes]
    result = {
        "opened_s": opened_s,
        "peak_mb": peak_memory_mb(),
        "samples": {name: sample.summary() for name, sample in samples.items()},
        "stages_s": {name: sorted(times[name] for times in stages)[len(stages) // 2] for name in stages[0]},
        "stars": outcomes[-1].measurements.values["star_count"],
    }
    sys.stdout.write(json.dumps(result))


def _single_stages(arrival: Arrival, threads: int) -> dict[str, Step]:
    """Stages on a frame in memory, to know their processor time; the pipeline itself keeps only wall time."""
    frame = Reader().read(arrival)
    detector, measurer = Detector(open_model(load().models.star_finder, threads=threads)), Measurer()
    found = detector.detect(frame)
    return {
        "detect": lambda: detector.detect(frame),
        "measure": lambda: measurer.measure(frame, found),
    }


def _take_turns(chosen: argparse.Namespace, ours: dict[str, Step], samples: dict[str, Samples]) -> None:
    """Run everything once in each round, so that a busy machine slows all of them alike."""
    pixels = read_plainly(chosen.frame, SHAPES[chosen.megapixels])
    steps = {**ours, "sep_default": lambda: sep_default(pixels), "sep_tuned": lambda: sep_tuned(pixels)}
    sextractor = SExtractor.find()
    if sextractor is not None:
        steps["sextractor"] = lambda: sextractor.detect(chosen.frame)
    try:
        for _ in range(chosen.repeats):
            for name, step in steps.items():
                samples[name].add(step)
    finally:
        if sextractor is not None:
            sextractor.close()


def arrival_of(path: Path) -> Arrival:
    """Return the arrival of a file that is there."""
    status, now = path.stat(), datetime.now(UTC)
    return Arrival(
        path=path,
        root=path.parent,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        first_seen_utc=now,
        settled_utc=now,
        how="named",
    )


def _graded(outcome: Outcome) -> Examined:
    if not isinstance(outcome, Examined):
        raise SystemExit(f"the frame was not graded: {outcome.sentence}")
    return outcome


def _baseline(outcome: Outcome) -> Baseline:
    """Reference stars, as on any but the first frame of a night, so that matching is part of the timing."""
    first = _graded(outcome)
    return Baseline(
        key=baseline_key(first.meta, first.sensor_shape), size=1, reference_stars=first.measurements.bright_stars
    )


if __name__ == "__main__":
    main()
