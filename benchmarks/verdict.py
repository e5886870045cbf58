"""The whole verdict against its budgets and against other star finders: ``python -m benchmarks.verdict``.

Prints Markdown tables. Frames are made here, seeded, and written as FITS files; each size runs in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .sky import SHAPES, FrameFile, write_frame

BUDGET_S = {6: 0.12, 24: 0.35, 61: 0.8}
"""Median wall time of the whole verdict."""
BUDGET_MB = 500.0
STAGES = ("read", "detect", "measure", "grade", "total")
RIVALS = ("sep_default", "sep_tuned", "sextractor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=sorted(SHAPES), default=[6, 24])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="threads of the models; 0: all cores")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {_load()}\n")
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-frames-") as folder:
        for megapixels in chosen.megapixels:
            frame = write_frame(Path(folder), megapixels)
            both = [_run(frame, megapixels, chosen.repeats, chosen.threads, alone=alone) for alone in (False, True)]
            results.append((megapixels, frame, *both))
    _print_verdicts(results)
    _print_stages(results)
    _print_rivals(results)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _run(frame: FrameFile, megapixels: int, repeats: int, threads: int, *, alone: bool) -> dict[str, Any]:
    """Run ``benchmarks.one`` in a process of its own, for times (taking turns with others) or for memory (alone)."""
    command = [sys.executable, "-m", "benchmarks.one", str(frame.path), str(megapixels)]
    command += ["--repeats", str(repeats), "--threads", str(threads), *(["--alone"] if alone else [])]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


Row = tuple[int, FrameFile, dict[str, Any], dict[str, Any]]


def _print_verdicts(results: list[Row]) -> None:
    print("| frame | stars found | wall median | p95 | CPU | budget | wall / budget | peak memory | memory / 500 MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for megapixels, frame, timed, alone in results:
        verdict, budget = timed["samples"]["verdict"], BUDGET_S[megapixels]
        print(
            f"| {frame.megapixels:.1f} MP | {timed['stars']:.0f} | {verdict['wall_s']:.3f} s "
            f"| {verdict['p95_s']:.3f} s | {verdict['cpu_s']:.3f} s | {budget} s | {verdict['wall_s'] / budget:.2f} "
            f"| {alone['peak_mb']:.0f} MB | {alone['peak_mb'] / BUDGET_MB:.2f} |"
        )
    print()


def _print_stages(results: list[Row]) -> None:
    print("| frame | " + " | ".join(f"{stage}, ms" for stage in STAGES) + " | detect, CPU | measure, CPU | start-up |")
    print("|---" * (len(STAGES) + 4) + "|")
    for _, frame, timed, _ in results:
        times = " | ".join(f"{1e3 * timed['stages_s'][stage]:.1f}" for stage in STAGES)
        cpu = " | ".join(f"{1e3 * timed['samples'][stage]['cpu_s']:.1f} ms" for stage in ("detect", "measure"))
        print(f"| {frame.megapixels:.1f} MP | {times} | {cpu} | {1e3 * timed['opened_s']:.0f} ms |")
    print()


def _print_rivals(results: list[Row]) -> None:
    print("| frame | rival | wall median | CPU | verdict / rival, wall | … CPU | detect / rival, wall | … CPU |")
    print("|---|---|---|---|---|---|---|---|")
    for _, frame, timed, _ in results:
        detect, verdict = timed["samples"]["detect"], timed["samples"]["verdict"]
        for name in RIVALS:
            if name not in timed["samples"]:
                print(f"| {frame.megapixels:.1f} MP | {name} | not installed | | | | | |")
                continue
            rival = timed["samples"][name]
            print(
                f"| {frame.megapixels:.1f} MP | {name} | {rival['wall_s']:.3f} s | {rival['cpu_s']:.3f} s "
                f"| {verdict['wall_s'] / rival['wall_s']:.2f} | {verdict['cpu_s'] / rival['cpu_s']:.2f} "
                f"| {detect['wall_s'] / rival['wall_s']:.2f} | {detect['cpu_s'] / rival['cpu_s']:.2f} |"
            )


if __name__ == "__main__":
    main()
