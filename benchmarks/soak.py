"""A long night: the real daemon, a frame every few seconds for hours; nothing late, nothing lost, memory flat.

A capture program (this process) writes frames straight to their final names and deletes the oldest, so that the disk
does not fill. A subscriber measures the time from the writer's close to the verdict on the bus.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from astro_monitor.demo.fits import CardValue, data_bytes, header_bytes
from astro_monitor.nightlog import OUTCOMES
from astro_monitor.publish import Subscription

from .sky import SHAPES, FrameFile, write_frame

KEPT_FRAMES = 20
SAMPLE_S = 20.0
LATE_S = 5.0
"""The budget of a mini PC in the table of goals (L2); a desktop has 2 s."""
FITS_BLOCK = 2880

Pixels = NDArray[np.uint16]


def main() -> None:
    """Run and print a summary as JSON; samples go to ``--samples``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--megapixels", type=int, choices=sorted(SHAPES), default=24)
    parser.add_argument("--every", type=float, default=5.0, help="seconds from frame to frame")
    parser.add_argument("--samples", type=Path, help="write memory samples here, one JSON object per line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="am-soak-") as place:
        summary = _soak(Path(place), options.minutes * 60.0, options.megapixels, options.every, options.samples)
    print(json.dumps(summary, indent=2))


def _soak(place: Path, seconds: float, megapixels: int, every_s: float, samples_file: Path | None) -> dict[str, Any]:
    captures, state = place / "captures", place / "state"
    captures.mkdir()
    base = pixels_of(write_frame(place, megapixels), megapixels)
    address, control = f"ipc://{place}/bus", f"ipc://{place}/control"
    command = [sys.executable, "-m", "astro_monitor", "watch", str(captures), "--state", str(state), "--json",
               "--address", address, "--control", control, "--log-level", "WARNING"]  # fmt: skip
    written: dict[str, float] = {}
    seen: dict[str, list[float]] = {}
    decisions: dict[str, int] = {}
    stop = threading.Event()
    with (place / "daemon.log").open("wb") as words:
        daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)
        listener = threading.Thread(target=_listen, args=(address, control, seen, decisions, stop))
        listener.start()
        samples = _write_all(captures, base, written, seconds, every_s, daemon, samples_file)
        time.sleep(max(30.0, 2 * every_s))
        stop.set()
        daemon.terminate()
        code = daemon.wait(30)
        listener.join(10)
    warnings = (place / "daemon.log").read_text("utf-8", "replace").splitlines()
    return _summary(written, seen, decisions, samples, code, warnings, seconds)


def pixels_of(frame: FrameFile, megapixels: int) -> Pixels:
    """Return the pixels of a frame of :func:`~.sky.write_frame`, (H, W), and delete its file."""
    height, width = SHAPES[megapixels]
    data = frame.path.read_bytes()
    frame.path.unlink()
    stored = np.frombuffer(data, ">i2", height * width, FITS_BLOCK * (data.index(b"END     ") // FITS_BLOCK + 1))
    return (stored.astype(np.int32) + 32768).astype(np.uint16).reshape(height, width)


def _write_all(
    captures: Path, base: Pixels, written: dict[str, float], seconds: float, every_s: float,
    daemon: subprocess.Popen[bytes], samples_file: Path | None,
) -> list[dict[str, float]]:  # fmt: skip
    rng = np.random.default_rng(20261121)
    began, number = time.monotonic(), 0
    kept: deque[Path] = deque()
    samples: list[dict[str, float]] = []
    while (now := time.monotonic() - began) < seconds:
        if now < number * every_s:
            time.sleep(min(number * every_s - now, 0.5))
            continue
        # The mount dithers by a few pixels; the field stays.
        pixels = np.roll(base, tuple(rng.integers(-8, 9, 2)), (0, 1))
        taken = datetime(2026, 3, 20, 19, tzinfo=UTC) + timedelta(seconds=number * every_s)
        cards: dict[str, CardValue] = {
            "IMAGETYP": "LIGHT", "EXPTIME": every_s, "OBJECT": "soak", "FILTER": "L", "EGAIN": 1.0,
            "DATE-OBS": taken.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        }  # fmt: skip
        path = captures / f"soak_{number:06d}.fits"
        path.write_bytes(header_bytes(pixels.shape, cards) + data_bytes(pixels))
        written[path.name] = time.monotonic()
        kept.append(path)
        if len(kept) > KEPT_FRAMES:
            kept.popleft().unlink()
        number += 1
        if not samples or now - samples[-1]["at_s"] >= SAMPLE_S:
            samples.append(_sample(daemon.pid, now))
            if samples_file is not None:
                with samples_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(samples[-1]) + "\n")
    return samples


def _sample(pid: int, at_s: float) -> dict[str, float]:
    daemon = psutil.Process(pid)
    workers = [child for child in daemon.children(recursive=True) if child.is_running()]
    return {
        "at_s": round(at_s, 1),
        "daemon_mb": daemon.memory_info().rss / 1e6,
        "worker_mb": sum(child.memory_info().rss for child in workers) / 1e6,
        "files": daemon.num_fds(),
        "threads": daemon.num_threads(),
        "cpu_s": sum(sum(process.cpu_times()[:2]) for process in (daemon, *workers)),
    }


def _listen(
    address: str, control: str, seen: dict[str, list[float]], decisions: dict[str, int], stop: threading.Event
) -> None:
    subscription = Subscription(address, control, after_seq=0, stop=stop, patience_s=120.0)
    for received in subscription.received():
        if received.document.kind in OUTCOMES:
            body = received.document.body
            seen.setdefault(body["relative_path"], []).append(time.monotonic())
            said = body.get("decision", received.document.kind.removeprefix("frame."))
            decisions[said] = decisions.get(said, 0) + 1


def _summary(
    written: dict[str, float], seen: dict[str, list[float]], decisions: dict[str, int],
    samples: list[dict[str, float]], code: int, warnings: list[str], seconds: float,
) -> dict[str, Any]:  # fmt: skip
    waits = sorted(seen[name][0] - when for name, when in written.items() if name in seen)
    later = samples[len(samples) // 4 :]
    return {
        "minutes": round(seconds / 60.0, 1),
        "frames": len(written),
        "decisions": decisions,
        "lost": len(written.keys() - seen.keys()),
        "twice": sum(len(times) > 1 for times in seen.values()),
        "late": sum(wait > LATE_S for wait in waits),
        "wait_s": {
            "median": round(statistics.median(waits), 3),
            "p95": round(waits[int(0.95 * (len(waits) - 1))], 3),
            "worst": round(waits[-1], 3),
        },
        "daemon_mb": [round(samples[0]["daemon_mb"]), round(samples[-1]["daemon_mb"])],
        "daemon_mb_per_hour": round(_slope(later, "daemon_mb"), 2),
        "worker_mb": [round(min(s["worker_mb"] for s in later)), round(max(s["worker_mb"] for s in later))],
        "worker_mb_per_hour": round(_slope(later, "worker_mb"), 2),
        "files": [samples[0]["files"], samples[-1]["files"]],
        "threads": [samples[0]["threads"], samples[-1]["threads"]],
        "exit_code": code,
        "warnings": len(warnings),
        "last_warnings": warnings[-5:],
    }


def _slope(samples: list[dict[str, float]], key: str) -> float:
    """Least-squares slope per hour."""
    if len(samples) < 3:
        return 0.0
    hours = np.array([sample["at_s"] / 3600.0 for sample in samples])
    return float(np.polyfit(hours, [sample[key] for sample in samples], 1)[0])


if __name__ == "__main__":
    main()
