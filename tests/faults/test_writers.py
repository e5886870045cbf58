"""Twelve ways in which programs write frames, in real time: a frame is handed on when it is whole, never before.

Long form: ``pytest --long tests/faults/test_writers.py`` (2,400 files, about fifteen minutes).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.settings import WatchSettings
from astro_monitor.watch import FolderSource

AT_ONCE = 40
PATIENCE_S = 150.0
"""A file with runs of zeros is believed after 90 s only."""


def frame(chance: random.Random, cards: int = 0) -> bytes:
    """A FITS file of random pixels, 20 KB to 6 MB."""
    side = chance.choice((100, 300, 700, 1700))
    lines = ["SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2",
             f"NAXIS1  = {side:20d}", f"NAXIS2  = {side:20d}", f"SERIAL  = {chance.getrandbits(60):20d}",
             *(f"KEY{number:<5d}= {number:20d}" for number in range(cards)), "END"]  # fmt: skip
    head = "".join(line.ljust(80) for line in lines).encode()
    data = chance.randbytes(2 * side * side - 1) + b"\x07"
    return head + b" " * (-len(head) % 2880) + data + bytes(-len(data) % 2880)


class Writers:
    """One capture program per way; keeps the content of each version that was whole.

    Attributes:
        whole: by path, the versions in order; the last one is what the file is at the end.
    """

    def __init__(self, folder: Path, outside: Path) -> None:
        self.folder = folder
        self.outside = outside
        self.whole: dict[str, list[str]] = defaultdict(list)

    def done(self, path: Path, content: bytes) -> None:
        self.whole[str(path)].append(hashlib.sha256(content).hexdigest())

    def direct(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        with path.open("wb") as file:
            for begin in range(0, len(content), 200_000):
                file.write(content[begin : begin + 200_000])
                file.flush()
                time.sleep(chance.uniform(0.0, 0.01))

    def renamed(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        hidden = path.with_suffix(".tmp")
        hidden.write_bytes(content)
        time.sleep(chance.uniform(0.0, 0.5))
        hidden.rename(path)

    def moved_in(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        elsewhere = self.outside / path.name
        elsewhere.write_bytes(content)
        elsewhere.rename(path)

    def allocated(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        with path.open("wb") as file:
            file.truncate(len(content))
            file.write(content[:2880])
            file.flush()
            time.sleep(chance.uniform(0.2, 6.0))
            file.write(content[2880:])

    def header_last(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        with path.open("wb") as file:
            file.write(bytes(2880) + content[2880:])
            file.flush()
            time.sleep(chance.uniform(0.2, 5.0))
            file.seek(0)
            file.write(content[:2880])

    def header_rewritten(self, path: Path, chance: random.Random) -> None:
        """As cfitsio does for N.I.N.A.: the declared length is there before the header is, and the data moves."""
        content = frame(chance, cards=60)
        self.done(path, content)
        head = content[: 2880 * 3].split(b"KEY0")[0] + b"END".ljust(80)
        short = head + b" " * (-len(head) % 2880) + content[2880 * 2 :]
        with path.open("wb") as file:
            file.write(short)
            file.flush()
            time.sleep(chance.uniform(0.1, 0.95))
            file.seek(0)
            file.write(content)
            file.truncate(len(content))

    def updated(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        changed = content.replace(b"SERIAL  =", b"SERIES  =", 1)
        self.done(path, content)
        self.done(path, changed)
        path.write_bytes(content)
        time.sleep(chance.uniform(0.5, 6.0))
        with path.open("r+b") as file:
            file.write(changed[:2880])

    def slow(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        steps = chance.randint(20, 60)
        with path.open("wb") as file:
            for begin in range(0, len(content), len(content) // steps + 1):
                file.write(content[begin : begin + len(content) // steps + 1])
                file.flush()
                time.sleep(chance.uniform(0.1, 0.3))

    def stalled(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        half = chance.randrange(2880, len(content) - 1)
        with path.open("wb") as file:
            file.write(content[:half])
            file.flush()
            time.sleep(chance.uniform(2.0, 12.0))
            file.write(content[half:])

    def copied(self, path: Path, chance: random.Random) -> None:
        """As Windows copies: the length first, then the bytes, then the time of the original."""
        content = frame(chance)
        self.done(path, content)
        with path.open("wb") as file:
            file.truncate(len(content))
            for begin in range(0, len(content), 500_000):
                file.write(content[begin : begin + 500_000])
                file.flush()
                time.sleep(chance.uniform(0.0, 0.05))
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def rewritten(self, path: Path, chance: random.Random) -> None:
        first, second = frame(chance), frame(chance)
        self.done(path, first)
        self.done(path, second)
        path.write_bytes(first)
        time.sleep(chance.uniform(0.0, 5.0))
        with path.open("wb") as file:
            for begin in range(0, len(second), 300_000):
                file.write(second[begin : begin + 300_000])
                file.flush()
                time.sleep(chance.uniform(0.0, 0.02))

    def linked(self, path: Path, chance: random.Random) -> None:
        content = frame(chance)
        self.done(path, content)
        elsewhere = self.outside / path.name
        elsewhere.write_bytes(content)
        os.link(elsewhere, path)

    def ways(self) -> list[str]:
        return ["direct", "renamed", "moved_in", "allocated", "header_last", "header_rewritten", "updated", "slow",
                "stalled", "copied", "rewritten", "linked"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "polling"])
def test_no_frame_is_handed_on_before_it_is_whole_and_none_is_lost(tmp_path, rounds, figures, mode):
    folder, outside = tmp_path / "night", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    writers = Writers(folder, outside)
    source = FolderSource(folder, WatchSettings(mode=mode, poll_s=1.0), SystemClock())
    stop = threading.Event()
    seen: dict[str, list[str]] = defaultdict(list)
    failed: list[str] = []

    def consume() -> None:
        for item in source.items(stop):
            path = item.path if hasattr(item, "path") else item.arrival.path
            if not hasattr(item, "path"):
                failed.append(f"{path.name}: {item.sentence}")
                continue
            before = path.stat()
            content = path.read_bytes()
            after = path.stat()
            # A frame that changes while it is read is read again, as in the worker.
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                seen[str(path)].append(hashlib.sha256(content).hexdigest())

    def write(number: int) -> None:
        way = writers.ways()[number % 12]
        getattr(writers, way)(folder / f"{way}_{number:05d}.fits", random.Random(number))

    consumer = threading.Thread(target=consume)
    consumer.start()
    files = rounds(36, 1200)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(write, range(files)):
                pass
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and any(
            not seen[path] or seen[path][-1] != whole[-1] for path, whole in list(writers.whole.items())
        ):
            time.sleep(0.2)
    finally:
        stop.set()
        consumer.join(20)
        shutil.rmtree(outside)
    premature = Counter(
        Path(path).name.rpartition("_")[0]
        for path, hashes in seen.items()
        for content in hashes
        if content not in writers.whole[path]
    )
    lost = [path for path, whole in writers.whole.items() if whole[-1] not in seen[path]]
    assert (dict(premature), lost, failed) == ({}, [], [])
    twice = sum(len(set(hashes)) < len(hashes) for hashes in seen.values())
    figures(f"{files} files, 12 ways of writing, {mode}: 0 handed on too early, 0 lost, {twice} handed on twice")
