"""Files that are made in their full length and filled later, in any order, with pauses: no verdict before their end.

Time passes on a scripted clock, the files are real. Long form: ``pytest --long tests/faults/test_preallocated.py``
(all orders, kinds and pauses together; about two minutes). What a real writer keeps open is tested in real time.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.records import Arrival
from astro_monitor.settings import WatchSettings
from astro_monitor.testing.folders import ScriptedClock, ScriptedWatcher
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings
from astro_monitor.watch import FolderSource, Hint
from astro_monitor.watch.writers import OpenWriters

PIECES = 5


def fits(chance: random.Random, kind: str, side: int) -> bytes:
    """A FITS file of noise: unsigned 16-bit pixels as cameras write them, or floats between 100 and 200."""
    offset = ["BZERO   =                32768"] if kind == "uint16" else []
    lines = [
        "SIMPLE  =                    T",
        f"BITPIX  = {16 if kind == 'uint16' else -32:20d}",
        "NAXIS   =                    2",
        f"NAXIS1  = {side:20d}",
        f"NAXIS2  = {side:20d}",
        *offset,
        "END",
    ]
    head = "".join(line.ljust(80) for line in lines).encode()
    if kind == "uint16":
        data = b"".join(bytes([128 + chance.randrange(4)]) + chance.randbytes(1) for _ in range(side * side))
    else:
        data = b"".join(b"\x43" + bytes([chance.randrange(64)]) + chance.randbytes(2) for _ in range(side * side))
    return head + b" " * (-len(head) % 2880) + data + bytes(-len(data) % 2880)


def compressed(chance: random.Random, kind: str, side: int) -> bytes:
    return gzip.compress(fits(chance, "uint16", side), 1)


class Filler:
    """A program that allocates a file and fills it in pieces.

    Parameters:
        clock: on which it acts; modification times follow it.
        path: the file.
        content: all of it.
        order: ``front``, ``back``, ``inside`` (middle first), or ``holes`` (each second piece first).
        allocate: how the full length comes about.
        tell: called with the event of each write.
    """

    def __init__(
        self, clock: ScriptedClock, path: Path, content: bytes, order: str, allocate: str, tell: Callable[[Hint], None]
    ) -> None:
        self.clock, self.path, self.content, self.allocate, self.tell = clock, path, content, allocate, tell
        step = -(-len(content) // PIECES)
        pieces = [(start, content[start : start + step]) for start in range(0, len(content), step)]
        head = (0, content[:2880])
        match order:
            case "front":
                self.pieces = pieces
            case "back":
                self.pieces = [head, *reversed(pieces)]
            case "inside":
                self.pieces = [head, *sorted(pieces, key=lambda piece: abs(piece[0] - len(content) // 2))]
            case _:
                self.pieces = [head, *pieces[1::2], *pieces[0::2]]

    def begin(self) -> None:
        match self.allocate:
            case "truncate":
                with self.path.open("wb") as file:
                    file.truncate(len(self.content))
            case "seek":
                with self.path.open("wb") as file:
                    file.seek(len(self.content) - 1)
                    file.write(b"\0")
            case "fallocate":
                with self.path.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, len(self.content))
            case _:
                self.path.write_bytes(bytes(len(self.content)))
        self._touch()

    def fill(self, number: int) -> None:
        offset, piece = self.pieces[number]
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(piece)
        self._touch()

    def _touch(self) -> None:
        moment_ns = int(self.clock.utc().timestamp() * 1e9)
        os.utime(self.path, ns=(moment_ns, moment_ns))
        self.tell(Hint.WRITTEN)


KINDS = {"uint16": fits, "float32": fits, "gzip": compressed}
ALL = list(itertools.product(KINDS, ("front", "back", "inside", "holes"), ("truncate", "seek", "fallocate", "zeros"),
                             (0.3, 3.0, 20.0, 60.0), ("events", "polling")))  # fmt: skip


def one_outcome(tmp_path: Path, kind: str, order: str, allocate: str, pause_s: float, mode: str, seed: int) -> float:
    """Watch such a file; give the seconds from its last byte to its arrival."""
    chance, clock, watcher = random.Random(seed), ScriptedClock(), ScriptedWatcher()
    root = tmp_path / f"{kind}-{order}-{allocate}-{pause_s}-{mode}"
    root.mkdir()
    path = root / ("a.fits.gz" if kind == "gzip" else "a.fits")
    content = KINDS[kind](chance, kind, chance.choice((150, 400, 700) if kind == "gzip" else (48, 150, 400, 700)))
    filler = Filler(clock, path, content, order, allocate, lambda hint: watcher.tell(path, hint))
    source = FolderSource(
        root, WatchSettings(mode="events" if mode == "events" else "polling"), clock, start_watcher=watcher,
        jitter=random.Random(1),
    )  # fmt: skip
    clock.at(3.0, filler.begin)
    at_s = 3.0
    for number in range(len(filler.pieces)):
        at_s += pause_s
        clock.at(at_s, lambda number=number: filler.fill(number))
    clock.at(at_s + 0.01, lambda: watcher.tell(path, Hint.CLOSED))
    stop, reported = threading.Event(), []
    clock.at(at_s + 300.0, stop.set)
    for item in source.items(stop):
        whole = isinstance(item, Arrival) and path.read_bytes() == content
        reported.append((round(clock.monotonic() - at_s, 2), whole))
    assert reported, (root.name, len(content))
    assert all(whole for _, whole in reported), (root.name, len(content), reported)
    # A program that writes what is there already, at the end, has it looked at twice: the same frame by its content.
    return reported[-1][0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="files are allocated with Linux's calls")
def test_no_order_of_filling_and_no_pause_leads_to_an_early_outcome(tmp_path, rounds, figures):
    """The watcher knows nothing of the writer but what the file shows: as with another user, or over a network."""
    count = rounds(48, len(ALL))
    chosen = ALL if count == len(ALL) else random.Random(22).sample(ALL, count)
    waits_s = [one_outcome(tmp_path, *case, seed) for seed, case in enumerate(chosen)]
    figures(
        f"{count} ways of filling an allocated file: 0 early outcomes, each at most {max(waits_s):.1f} s after its end"
    )


WRITER = """
import mmap, sys, time
from pathlib import Path
path, way, content = Path(sys.argv[1]), sys.argv[2], sys.stdin.buffer.read()
def say(word):
    sys.stdout.write(word + "\\n")
    sys.stdout.flush()
with path.open("w+b") as file:
    file.truncate(len(content))
    if way == "map":
        with mmap.mmap(file.fileno(), len(content)) as view:
            view[: len(content) // 2] = content[: len(content) // 2]
            view.flush()
            say("half"), sys.stdin.close(), time.sleep(float(sys.argv[3]))
            view[len(content) // 2 :] = content[len(content) // 2 :]
    else:
        # Noise first, so that only the open file shows that it is not finished.
        file.write(content[:2880] + bytes(7 if byte == 0 else byte for byte in content[2880:][::-1]))
        file.flush()
        say("half"), time.sleep(float(sys.argv[3]))
        file.seek(0)
        file.write(content)
say("whole")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="open files are listed by Linux only")
@pytest.mark.parametrize("mode", ["events", "polling"])
@pytest.mark.parametrize("way", ["write", "map"])
def test_a_file_that_a_program_has_open_is_not_handed_on(tmp_path, mode, way, rounds):
    """A writer pauses for much longer than the quiet time; its file looks whole, or is mapped."""
    content = fits(random.Random(5), "float32", 300)
    path = tmp_path / "a.fits"
    source = FolderSource(tmp_path, WatchSettings(mode=mode, quiet_s=0.2, poll_s=0.2), SystemClock())
    stop, arrived = threading.Event(), []

    def consume() -> None:
        for item in source.items(stop):
            arrived.append((time.monotonic(), item.path.read_bytes()))
            stop.set()

    watch = threading.Thread(target=consume)
    watch.start()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), way, str(rounds(3, 30))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        writer.stdin.write(content)
        writer.stdin.close()
        assert writer.stdout.readline() == b"half\n"
        assert writer.stdout.readline() == b"whole\n"
        watch.join(120)
        assert [found for _, found in arrived] == [content]
    finally:
        stop.set()
        writer.kill()
        writer.wait()
        writer.stdout.close()
        watch.join(20)


FILLERS = """
import itertools, os, random, sys, threading, time
from pathlib import Path
folder, pauses = Path(sys.argv[1]), [float(one) for one in sys.argv[2].split(",")]

def fill(number, whole, order, allocate, pause_s):
    content = whole.read_bytes()
    step = -(-len(content) // 6)
    pieces = [(start, content[start : start + step]) for start in range(0, len(content), step)]
    if order == "back":
        pieces = [(0, content[:2880]), *pieces[::-1]]
    elif order == "random":
        pieces = [(0, content[:2880]), *random.Random(number).sample(pieces, len(pieces))]
    with (folder / whole.name).open("wb", 0) as file:
        if allocate == "truncate":
            file.truncate(len(content))
        elif allocate == "fallocate":
            os.posix_fallocate(file.fileno(), 0, len(content))
        else:
            file.write(bytes(len(content)))
        for place, (offset, piece) in enumerate(pieces):
            file.seek(offset)
            file.write(piece)
            # Long pauses twice, once near the beginning and once near the end; short ones after each piece.
            if place < len(pieces) - 1 and (pause_s < 10 or place in (1, len(pieces) - 3)):
                time.sleep(pause_s)

ways = itertools.product(("front", "back", "random"), pauses)
allocations = itertools.cycle(("truncate", "fallocate", "zeros"))
wholes = sorted(Path(sys.argv[3]).iterdir())
jobs = [(number, whole, order, next(allocations), pause_s)
        for number, (whole, (order, pause_s)) in enumerate(zip(wholes, itertools.cycle(ways)))]
threads = [threading.Thread(target=fill, args=job) for job in jobs]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="files are allocated with Linux's calls")
@pytest.mark.parametrize("mode", ["events", "share"])
def test_the_daemon_judges_no_unfinished_file(tmp_path, monkeypatch, mode, rounds, figures):
    """In real time, with the real daemon; on a share it is unknown which program has a file open."""
    captures, wholes = tmp_path / "captures", tmp_path / "wholes"
    captures.mkdir()
    wholes.mkdir()
    pauses = ["0.3", "2.5"] if rounds(0, 1) == 0 else ["0.3", "4", "20", "61"]
    chance = random.Random(36)
    for number, kind in enumerate(kind for kind in KINDS for _ in range(3 * len(pauses))):
        name = f"{number:02d}.fits{'.gz' if kind == 'gzip' else ''}"
        (wholes / name).write_bytes(KINDS[kind](chance, kind, chance.choice((150, 300, 500))))
    expected = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in wholes.iterdir()}
    if mode == "share":
        monkeypatch.setattr(OpenWriters, "has", lambda self, file_id, now_s: False)
    settings = private_settings(
        tmp_path / "state", watch={"mode": "events" if mode == "events" else "polling", "quiet_s": 2.0, "poll_s": 0.5}
    )
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        subprocess.run(
            [sys.executable, "-c", FILLERS, str(captures), ",".join(pauses), str(wholes)], check=True, timeout=400
        )
        running.wait_for_outcomes(len(expected))
        outcomes = [(document.body["relative_path"], document.body.get("sha256")) for document in running.outcomes()]
    assert sorted(outcomes) == sorted(expected.items())
    figures(f"{len(expected)} files filled in real time, {mode}: 0 early verdicts, one outcome each")
