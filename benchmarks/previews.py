"""How long the preview of a frame takes: ``python -m benchmarks.previews``.

The star finder's sums are there already when a preview is made, so they are not part of the time.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from astro_monitor.preview import preview_jpeg
from astro_monitor.preview.means import block_mean
from astro_monitor.read import Reader
from astro_monitor.records import KIND_STAR, Arrival, Detections, Frame, SkyMap

from .meter import Samples
from .sky import SHAPES, write_frame

BUDGET_S = 0.03
"""Of one preview at 24 megapixels, on one core."""
CELL_PX = 4
"""Side of the star finder's sums in pixels, when it does not bin."""
STARS = 500


def main() -> None:
    """Print a table: one row for each size, grey and in colour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=sorted(SHAPES), default=[6, 24, 61])
    parser.add_argument("--repeats", type=int, default=15)
    chosen = parser.parse_args()
    print("| frame | preview | kB | wall, median (ms) | wall, best (ms) | CPU, median (ms) |")
    print("|---|---|---|---|---|---|")
    for megapixels in chosen.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            frame = _read(write_frame(Path(folder), megapixels).path)
        for colour in (False, True):
            print(_row(megapixels, _as_colour(frame) if colour else frame, chosen.repeats, colour=colour))
    print(f"\nBudget at 24 megapixels: {1000 * BUDGET_S:.0f} ms.")


def _row(megapixels: int, frame: Frame, repeats: int, *, colour: bool) -> str:
    found = _found(frame)
    samples = Samples()
    jpeg = preview_jpeg(frame, found)
    for _ in range(repeats):
        samples.add(lambda: preview_jpeg(frame, found))
    figures = samples.summary()
    times = " | ".join(f"{1000 * figures[key]:.1f}" for key in ("wall_s", "best_s", "cpu_s"))
    return f"| {megapixels} MP | {'colour' if colour else 'grey'} | {len(jpeg) / 1000:.0f} | {times} |"


def _read(path: Path) -> Frame:
    status, now = path.stat(), datetime.now(UTC)
    arrival = Arrival(
        path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns,
        first_seen_utc=now, settled_utc=now, how="named",
    )  # fmt: skip
    return Reader().read(arrival)


def _as_colour(frame: Frame) -> Frame:
    """The same numbers as if a Bayer array had recorded them."""
    height, width = (side // 2 * 2 for side in frame.pixels.shape)
    mosaic = frame.pixels[:height, :width].astype(np.uint16)
    pixels = block_mean(mosaic, 2).astype(np.uint16)
    return replace(frame, meta=replace(frame.meta, bayer="RGGB"), pixels=pixels, mosaic=mosaic)


def _found(frame: Frame) -> Detections:
    rng = np.random.default_rng(1)
    height, width = frame.pixels.shape
    ones = np.ones(STARS, np.float32)
    return Detections(
        frame_id=frame.frame_id, x_px=rng.uniform(0, width, STARS).astype(np.float32),
        y_px=rng.uniform(0, height, STARS).astype(np.float32), score=ones, kind=np.full(STARS, KIND_STAR, np.uint8),
        peak_adu=ones, snr=ones, bin_factor=1, streaks=(), model="benchmark",
        sky=SkyMap(level_adu=np.zeros((1, 1), np.float32), noise_adu=1.0, cell_px=64),
        binned_adu=block_mean(frame.pixels, CELL_PX), binned_px=CELL_PX,
    )  # fmt: skip


if __name__ == "__main__":
    main()
