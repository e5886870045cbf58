"""Several workers against one: grading a folder, watching a backlog, and judging a night again without its pixels.

``python -m benchmarks.parallel`` prints a Markdown table. Runs with one and with two workers take turns, each in a
process of its own that may use one core for each worker; the figure is the median of the ratios of neighbouring runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from astro_monitor import looks
from astro_monitor.archive import find_frames, grade_files
from astro_monitor.clock import SystemClock
from astro_monitor.demo.fits import CardValue, data_bytes, header_bytes
from astro_monitor.documents import Document
from astro_monitor.judge import Judge
from astro_monitor.monitor import Monitor
from astro_monitor.pipeline import Comparer, Pipeline
from astro_monitor.records import Arrival, Baseline, BaselineKey, Examined, Look, baseline_key, sane
from astro_monitor.settings import Settings, load
from astro_monitor.worker import Looked, WorkerLane
from astro_monitor.worker import wire as worker_wire

from .sky import SHAPES, write_frame
from .soak import pixels_of

FRAMES = 40
WARM_FRAMES = 4
"""Outcomes after which the clock starts: by then every worker has loaded its models."""
JUDGED_AGAIN = 1000
TARGETS = 32
BEGAN = datetime(2026, 3, 20, 20, tzinfo=UTC)
BARS = {"grade": "≥ 1.7", "watch": "≥ 1.7", "again_s": "≤ 5 s", "compare_ms": "≤ 5 ms"}


def main() -> None:
    """Run what is asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=FRAMES, help="in a folder")
    parser.add_argument("--megapixels", type=int, choices=sorted(SHAPES), default=6)
    parser.add_argument("--pairs", type=int, default=3, help="runs with one and with two workers")
    parser.add_argument("--only", nargs="+", choices=["grade", "watch", "again"], default=["grade", "watch", "again"])
    parser.add_argument("--run", choices=["grade", "watch"], help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        _run(chosen.run, chosen.folder, chosen.workers)
        return
    with tempfile.TemporaryDirectory(prefix="am-parallel-") as place:
        folder = Path(place) / "captures"
        folder.mkdir()
        write_night(folder, chosen.megapixels, chosen.frames)
        rows: list[tuple[str, str, str]] = []
        for command in chosen.only:
            rows += _again(folder) if command == "again" else [_ratio(command, folder, chosen.pairs)]
    print("| figure | bar | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def write_night(folder: Path, megapixels: int, count: int) -> None:
    """Write frames with the same pixels and other times, one each minute.

    Parameters:
        folder: where to.
        megapixels: a key of ``SHAPES``.
        count: of the frames.
    """
    data = data_bytes(pixels_of(write_frame(folder, megapixels), megapixels))
    for number in range(count):
        moment = BEGAN + timedelta(minutes=number)
        cards: dict[str, CardValue] = {
            "IMAGETYP": "LIGHT",
            "EXPTIME": 60.0,
            "OBJECT": "benchmark",
            "EGAIN": 1.0,
            "FILTER": "L",
            "DATE-OBS": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        path = folder / f"frame_{number:04d}.fits"
        path.write_bytes(header_bytes(SHAPES[megapixels], cards) + data)
        os.utime(path, (moment.timestamp(), moment.timestamp()))


def _ratio(command: str, folder: Path, pairs: int) -> tuple[str, str, str]:
    """Compare two workers on two cores with one worker on one core."""
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(pairs):
        for workers in (1, 2):
            line = [sys.executable, "-m", "benchmarks.parallel", "--run", command, "--workers", str(workers),
                    "--folder", str(folder)]  # fmt: skip
            said = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
            runs[workers].append(json.loads(said))
    ratios = [one["frame_s"] / two["frame_s"] for one, two in zip(runs[1], runs[2], strict=True)]
    wall = [statistics.median(run["frame_s"] for run in runs[workers]) for workers in (1, 2)]
    cpu = [statistics.median(run["cpu_s"] for run in runs[workers]) for workers in (1, 2)]
    figure = (
        f"{statistics.median(ratios):.2f} × ({', '.join(f'{ratio:.2f}' for ratio in ratios)}); wall time of a frame "
        f"{1e3 * wall[0]:.0f} ms and {1e3 * wall[1]:.0f} ms, processor time {1e3 * cpu[0]:.0f} ms and "
        f"{1e3 * cpu[1]:.0f} ms"
    )
    return f"`{command}`: two workers on two cores against one on one core", BARS[command], figure


def _run(command: str, folder: Path, workers: int) -> None:
    """Run once in this process, and print the wall and processor time of a frame as JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:workers])
    begun_s = 0.0
    count = 0

    def note() -> None:
        nonlocal begun_s, count
        count += 1
        if count == WARM_FRAMES:
            begun_s = time.perf_counter()

    (_grade if command == "grade" else _watch)(folder, workers, note)
    frame_s = (time.perf_counter() - begun_s) / max(count - WARM_FRAMES, 1)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in used) / max(count, 1)
    print(json.dumps({"frame_s": frame_s, "cpu_s": cpu_s, "frames": count}))


def _settings(workers: int, **more: Any) -> Settings:
    return load(flags={"worker": {"processes": workers}, "models": {"provider": "cpu"}, **more})


def _grade(folder: Path, workers: int, note: Callable[[], None]) -> None:
    for _ in grade_files(find_frames([folder]), _settings(workers), SystemClock()):
        note()


def _watch(folder: Path, workers: int, note: Callable[[], None]) -> None:
    left = sum(1 for _ in folder.iterdir())
    stop = threading.Event()

    def hear(document: Document) -> None:
        nonlocal left
        if document.kind == "frame.judged":
            note()
            left -= 1
            if not left:
                stop.set()

    with tempfile.TemporaryDirectory(prefix="am-parallel-") as state:
        settings = _settings(workers, state_folder=state, publish={"enabled": False}, watch={"quiet_s": 0.1})
        Monitor(folder, settings, on_document=hear).run(stop)


def _again(folder: Path) -> list[tuple[str, str, str]]:
    """Judge many frames again from their looks, through a worker and the judge, as a night goes."""
    settings = _settings(1)
    look = Pipeline.open(settings).look(_arrival(min(folder.iterdir())))
    if not isinstance(look, Look):
        raise SystemExit(f"the frame was not looked at: {look.sentence}")
    made = list(_variants(look))
    comparer, judge = Comparer.open(settings), Judge(settings.judge, settings.site)
    wall_s, cpu_s = _judge(comparer, judge, made)
    baseline = judge.baseline_for(made[0].key)
    compare_ms = _median_ms(lambda: comparer.compare(look, baseline))
    one, many = _baseline_bytes(settings, made, 1), _baseline_bytes(settings, made, TARGETS)
    size_kb = statistics.median(len(looked.look) for looked in made) / 1e3
    return [
        (f"{JUDGED_AGAIN:,} frames judged again from looks of {size_kb:.0f} kB: read, compared, judged",
         BARS["again_s"], f"{wall_s:.1f} s; processor time {cpu_s:.1f} s"),
        (f"comparing a look with a baseline of {baseline.size} frames and {len(baseline.reference_stars)} stars",
         BARS["compare_ms"], f"{compare_ms:.1f} ms of processor time"),
        ("baselines sent for each frame, one target", "", f"{one / 1e3:.1f} kB"),
        (f"baselines sent for each frame, {TARGETS} targets in turn", "", f"{many / 1e3:.1f} kB"),
    ]  # fmt: skip


def _variants(look: Look) -> Iterator[Looked]:
    """Make looks at different frames from one; their numbers differ by a little, as those of a night do."""
    chance = random.Random(20261128)
    for number in range(JUDGED_AGAIN):
        frame_id = f"{number:016x}"
        meta = replace(look.meta, date_obs_utc=BEGAN + timedelta(seconds=30 * number))
        values = {
            key: value if value is None else value * chance.uniform(0.995, 1.005)
            for key, value in look.measurements.values.items()
        }
        measurements = replace(look.measurements, frame_id=frame_id, values=values)
        other = replace(look, frame_id=frame_id, sha256=f"{number:064x}", meta=meta, measurements=measurements)
        yield Looked(
            arrival=look.arrival, frame_id=frame_id, key=baseline_key(meta, look.sensor_shape), look=looks.encode(other)
        )


def _judge(comparer: Comparer, judge: Judge, made: list[Looked]) -> tuple[float, float]:
    """Judge looks as ``diff`` does; return wall time and processor time in seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for looked in made:
        look = looks.decode(looked.look, pictures=False)
        outcome = sane(comparer.compare(look, judge.baseline_for(baseline_key(look.meta, look.sensor_shape))))
        if not isinstance(outcome, Examined):
            raise SystemExit(f"a look was not compared: {outcome.sentence}")
        judge.judge(outcome)
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def _baseline_bytes(settings: Settings, made: list[Looked], targets: int, frames: int = 320) -> float:
    """Return how many bytes of baselines travel with a frame when targets take turns."""
    judge = Judge(settings.judge, settings.site)
    sent_bytes = 0
    with _CountingLane(settings) as lane:
        for number, looked in enumerate(made[:frames]):
            key = replace(looked.key, target=f"target {number % targets}")
            outcome = lane.compare(looked, judge.baseline_for(key))
            if isinstance(outcome, Examined):
                judge.judge(replace(outcome, meta=replace(outcome.meta, target=key.target)))
        sent_bytes = lane.sent_bytes
    return sent_bytes / frames


class _CountingLane(WorkerLane):
    """Counts the bytes of the baselines that travel."""

    sent_bytes = 0

    def _comparison(self, looked: Looked, baseline: Baseline) -> worker_wire.Compare:
        question = super()._comparison(looked, baseline)
        if question.baseline:
            key: BaselineKey = question.key
            empty = replace(question, baseline=(), look=b"", key=key)
            with_it = replace(question, look=b"")
            self.sent_bytes += len(worker_wire.pack(with_it)) - len(worker_wire.pack(empty))
        return question


def _median_ms(step: Callable[[], object], repeats: int = 50) -> float:
    """Return the median processor time in milliseconds."""
    times = []
    for _ in range(repeats):
        before_s = time.process_time()
        step()
        times.append(time.process_time() - before_s)
    return 1e3 * statistics.median(times)


def _arrival(path: Path) -> Arrival:
    status, now = path.stat(), datetime.now(UTC)
    return Arrival(
        path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, first_seen_utc=now,
        settled_utc=now, how="named",
    )  # fmt: skip


if __name__ == "__main__":
    main()
