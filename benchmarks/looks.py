"""Size of looks, and time to keep, read and compare them: ``python -m benchmarks.looks``.

Prints a Markdown table. Frames are made here, seeded; all runs on one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from astro_monitor.looks import decode, encode
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import Baseline, Look, baseline_key
from astro_monitor.settings import load

from .meter import Samples
from .one import arrival_of
from .sky import SHAPES, write_frame

BUDGET_KB = 400.0
"""Median size of a look at 24 megapixels."""
BUDGET_MS = 5.0
"""Processor time of a comparison."""
WIDTHS_PX = (2.0, 3.0, 4.5)
"""Widths of the stars, FWHM in pixels, one after the other."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=sorted(SHAPES), default=[6, 24])
    parser.add_argument("--frames", type=int, default=6, help="frames of each size")
    parser.add_argument("--repeats", type=int, default=9, help="runs of each step")
    chosen = parser.parse_args()
    pipeline = Pipeline.open(load(flags={"worker": {"threads": 1}}))
    print("| frame | sources | look, median | largest | encode | decode | decode for a verdict | compare | budgets |")
    print("|---|---|---|---|---|---|---|---|---|")
    for megapixels in chosen.megapixels:
        print(_row(pipeline, megapixels, chosen.frames, chosen.repeats))
    print(f"\n{os.cpu_count()} cores; times are medians of processor time")


def _row(pipeline: Pipeline, megapixels: int, frames: int, repeats: int) -> str:
    sizes_kb: list[float] = []
    sources: list[int] = []
    samples = {name: Samples() for name in ("encode", "decode", "judge", "compare")}
    with tempfile.TemporaryDirectory(prefix="bench-looks-") as folder:
        for number in range(frames):
            frame = write_frame(Path(folder), megapixels, seed=number + 1, fwhm_px=WIDTHS_PX[number % len(WIDTHS_PX)])
            look = pipeline.look(arrival_of(frame.path))
            frame.path.unlink()
            if not isinstance(look, Look):
                raise SystemExit(f"the frame was not looked at: {look.sentence}")
            _sample(pipeline, look, samples, repeats)
            sizes_kb.append(len(encode(look)) / 1e3)
            sources.append(len(look.sources))
    ms = {name: 1e3 * statistics.median(sample.cpu_s) for name, sample in samples.items()}
    return (
        f"| {megapixels} MP | {statistics.median(sources):.0f} | {statistics.median(sizes_kb):.0f} kB "
        f"| {max(sizes_kb):.0f} kB | {ms['encode']:.1f} ms | {ms['decode']:.1f} ms | {ms['judge']:.1f} ms "
        f"| {ms['compare']:.1f} ms | {BUDGET_KB:.0f} kB, {BUDGET_MS:.0f} ms |"
    )


def _sample(pipeline: Pipeline, look: Look, samples: dict[str, Samples], repeats: int) -> None:
    data = encode(look)
    baseline = Baseline(
        key=baseline_key(look.meta, look.sensor_shape), size=1, reference_stars=look.measurements.bright_stars
    )
    for _ in range(repeats):
        samples["encode"].add(lambda: encode(look))
        samples["decode"].add(lambda: decode(data))
        samples["judge"].add(lambda: decode(data, pictures=False))
        samples["compare"].add(lambda: pipeline.compare(look, baseline))


if __name__ == "__main__":
    main()
