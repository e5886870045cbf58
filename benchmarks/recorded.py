"""Record the verdicts on a fixed set of nights, and compare two recordings: ``python -m benchmarks.recorded``.

A change of structure must leave every verdict as it was, to the last digit. Record before the change and after it, on
the same computer, and compare. Each night goes through ``grade``, with a worker process and the shipped models.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astro_monitor.archive import find_frames, grade_files
from astro_monitor.clock import SystemClock
from astro_monitor.settings import ModelSettings, Settings, WorkerSettings
from benchmarks.recorded_differences import compare
from benchmarks.recorded_nights import nights

RECORDED_KINDS = ("frame.judged", "frame.skipped", "frame.failed", "frame.revised", "alert.")
"""Kinds of documents that are recorded, by the beginning of their names."""
OF_THIS_RUN = ("file", "root", "timings_s")
"""Fields that differ between two runs: absolute paths, and how long the stages took."""


def record_night(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Grade all frames of a folder.

    Parameters:
        name: of the night, for the recording.
        folder: frames of one night.

    Yields:
        one line of the recording for each document: ``night``, ``kind``, ``frame`` (path inside the folder; for an
        alert, of the frame that led to it) and ``body``, without what belongs to this run alone.
    """
    documents: list[Any] = []
    # One thread and the processor: sums of floats depend on the order in which threads add them up.
    settings = Settings(models=ModelSettings(provider="cpu"), worker=WorkerSettings(threads=1))
    for _ in grade_files(find_frames([folder]), settings, SystemClock(), on_document=documents.append):
        pass
    frame = ""
    numbers: dict[str, str] = {}
    for document in documents:
        if not document.kind.startswith(RECORDED_KINDS):
            continue
        frame = document.body.get("relative_path") or frame
        body = {key: value for key, value in document.body.items() if key not in OF_THIS_RUN}
        if "alert_id" in body:
            # Made from the time; the clock's, where files cannot be read.
            body["alert_id"] = numbers.setdefault(body["alert_id"], f"{body['kind']}-{len(numbers) + 1}")
            if body["kind"] == "failures":
                body.pop("opened_at", None)
        text = json.dumps({"night": name, "kind": document.kind, "frame": frame, "body": body}, ensure_ascii=False)
        yield json.loads(text.replace(json.dumps(str(folder), ensure_ascii=False)[1:-1], "FOLDER"))


def record(out: Path, frames: Path | None, real_frames: Path, only: Sequence[str] = ()) -> None:
    """Record all nights.

    Parameters:
        out: JSON Lines; replaced when all is done.
        frames: folder in which simulated frames are kept for the next recording; ``None``: a temporary one.
        real_frames: folder of the real frames, which are not part of the checkout.
        only: names of the nights to record; empty: all.
    """
    lines = 0
    partial = out.with_name(out.name + ".part")
    with _folder(frames) as kept, partial.open("w", encoding="utf-8", newline="\n") as file:
        for name, prepare in nights(kept, real_frames):
            if only and name not in only:
                continue
            began_s = time.monotonic()
            folder = prepare()
            if folder is None:
                print(f"{name}: skipped, because {real_frames} is not here", file=sys.stderr)
                continue
            prepared_s = time.monotonic()
            for line in record_night(name, folder):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                lines += 1
            graded_s = time.monotonic()
            print(f"{name}: frames {prepared_s - began_s:.0f} s, grade {graded_s - prepared_s:.0f} s", file=sys.stderr)
    partial.replace(out)
    print(f"{lines} documents in {out}")


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="recorded-") as scratch:
        yield Path(scratch)


def main(argv: Sequence[str] | None = None) -> int:
    """Record or compare; the exit code of a comparison is 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record", help="grade the fixed set and write the verdicts")
    recorder.add_argument("out", type=Path)
    recorder.add_argument("--frames", type=Path, help="keep simulated frames in this folder for the next recording")
    recorder.add_argument(
        "--real-frames", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "frames",
        help="folder of the real frames; default: shared/frames next to the checkout",
    )  # fmt: skip
    recorder.add_argument("--only", nargs="+", default=(), metavar="NIGHT", help="record these nights only")
    comparer = commands.add_parser("compare", help="say what differs between two recordings")
    comparer.add_argument("before", type=Path)
    comparer.add_argument("after", type=Path)
    comparer.add_argument(
        "--shared-fields", action="store_true",
        help="compare only the fields and kinds of documents that both recordings know; the others are listed",
    )  # fmt: skip
    comparer.add_argument(
        "--ignore", nargs="+", default=(), metavar="FIELD",
        help="leave out these fields, such as 'models[]' or 'reasons[].sentence'",
    )  # fmt: skip
    options = parser.parse_args(argv)
    if options.command == "record":
        # Clocks of cameras without a time zone are read in the time zone of the computer.
        os.environ["TZ"] = "UTC"
        if hasattr(time, "tzset"):
            time.tzset()
        record(options.out, options.frames, options.real_frames, options.only)
        return 0
    report = compare(options.before, options.after, shared_fields=options.shared_fields, ignore=options.ignore)
    print("\n".join(report.sentences))
    return 1 if report.differs else 0


if __name__ == "__main__":
    sys.exit(main())
