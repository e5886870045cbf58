"""Lists of the real daemon: files of the user among them, frames that go and move, two daemons in one folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from astro_monitor.testing.folders import small_fits

PATIENCE_S = 60.0
FORMATS = ("csv", "json", "siril", "pixinsight", "text", "dss")


class Daemon:
    """One run of the daemon with light stages."""

    def __init__(self, captures: Path, state: Path, lists: Path | None = None) -> None:
        given = {} if lists is None else {"ASTRO_MONITOR_LISTS__FOLDER": str(lists)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "astro_monitor.testing.light", str(captures), str(state), *FORMATS],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **given},
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def start() -> Iterator[Callable[..., Daemon]]:
    """Start daemons that are ended with the test."""
    running: list[Daemon] = []

    def begin(*places: Path) -> Daemon:
        running.append(Daemon(*places))
        return running[-1]

    yield begin
    for one in running:
        one.end(signal.SIGKILL)


def expose(path: Path, number: int) -> Path:
    """Write a frame in one go, with a content of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(small_fits()[:-8] + number.to_bytes(8, "big"))
    return part.rename(path)


def listed(lists: Path) -> set[str]:
    """Return the files in the JSON lists."""
    found: set[str] = set()
    for path in lists.rglob("frames.json"):
        whole = json.loads(path.read_text("utf-8"))
        found |= {frame["file"] for part in ("accepted", "review", "rejected") for frame in whole[part]}
    return found


def linked(lists: Path) -> list[str]:
    """Return where the links of this program point to."""
    return [str(link.readlink()) for link in lists.rglob("lights/*") if link.is_symlink()]


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def lists_of(state: Path) -> Path:
    (found,) = state.glob("*/lists")
    return found


@pytest.mark.slow
def test_what_a_user_puts_among_the_lists_outlives_updates_kills_and_restarts(tmp_path, start) -> None:
    captures, state = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    daemon = start(captures, state)
    for number in range(4):
        expose(captures / f"{number}.fits", number)
    until(lambda: state.exists() and len(list(state.rglob("siril/lights/light_*"))) >= 3, "there are no links")
    (lights,) = state.rglob("siril/lights")
    mine = {
        lights / "from_another_night.fit": b"a frame", lights / "light_00001.fit": b"put over a link",
        lights / "light_00077.fit": b"named like a link", lights.parent / "result.fit": b"a stack",
        lights.parent / "stack.ssf": b"# my own script\n", lights / "sub" / "dark.fit": b"in a folder",
    }  # fmt: skip
    (lights / "sub").mkdir()
    (lights / "light_00001.fit").unlink()
    for path, content in mine.items():
        path.write_bytes(content)
    (lights / "elsewhere.fit").symlink_to(tmp_path / "other" / "frame.fit")

    for round_, how in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
        fresh = expose(captures / f"later_{round_}.fits", 100 + round_)
        until(lambda fresh=fresh: str(fresh) in listed(lists_of(state)), "the lists have not followed")
        daemon.end(how)
        daemon = start(captures, state)
    for path in captures.iterdir():
        path.unlink()
    until(lambda: not linked(lists_of(state)) or linked(lists_of(state)) == [str(tmp_path / "other" / "frame.fit")],
          "frames that are gone are still linked")  # fmt: skip

    kept = {path.read_bytes() for path in lists_of(state).rglob("*") if path.is_file()}
    assert set(mine.values()) <= kept
    assert all(path.read_bytes() == content for path, content in mine.items() if path.name != "stack.ssf")
    assert (lights / "elsewhere.fit").readlink() == tmp_path / "other" / "frame.fit"


@pytest.mark.slow
def test_lists_follow_frames_that_are_deleted_and_moved(tmp_path, start) -> None:
    captures, state = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    frames = [expose(captures / f"{number}.fits", number) for number in range(6)]
    start(captures, state)
    until(lambda: state.exists() and listed(state) == {str(path) for path in frames}, "not all frames are listed")

    frames[0].unlink()
    (captures / "M 31").mkdir()
    moved = [path.rename(captures / "M 31" / path.name) for path in frames[1:3]]
    wanted = {str(path) for path in (*frames[3:], *moved)}
    until(lambda: listed(state) == wanted, "the lists do not say where the frames are now")
    assert all(Path(target).exists() for target in linked(state))
    back = moved[0].rename(frames[1])
    wanted = wanted - {str(moved[0])} | {str(back)}
    until(lambda: listed(state) == wanted, "a frame that was moved back is not listed where it is")
    assert all(Path(target).exists() for target in linked(state))


@pytest.mark.slow
def test_a_capture_folder_that_is_away_keeps_its_lists(tmp_path, start) -> None:
    """When a disk is unplugged, all its frames are missing, but not deleted."""
    captures, state = tmp_path / "captures", tmp_path / "s"
    captures.mkdir()
    frames = [expose(captures / f"{number}.fits", number) for number in range(3)]
    daemon = start(captures, state)
    until(lambda: state.exists() and len(listed(state)) == 3, "not all frames are listed")
    captures.rename(tmp_path / "away")
    daemon.end()
    assert listed(state) == {str(path) for path in frames}


@pytest.mark.slow
def test_two_daemons_with_one_folder_for_lists_keep_both(tmp_path, start) -> None:
    lists = tmp_path / "lists"
    rigs = {}
    for rig in ("refractor", "newton"):
        captures = tmp_path / rig / "captures"
        frames = {str(expose(captures / f"{number}.fits", len(rig) * 100 + number)) for number in range(4)}
        rigs[rig] = (captures, tmp_path / f"state {rig}", frames)
    daemons = [start(captures, state, lists) for captures, state, _ in rigs.values()]
    every = set.union(*(frames for _, _, frames in rigs.values()))
    until(lambda: listed(lists) == every, "one has erased the lists of the other")
    for number, (captures, _, _) in enumerate(rigs.values()):
        every.add(str(expose(captures / "later.fits", 5000 + number)))
    until(lambda: listed(lists) == every, "one has erased the lists of the other")
    before = {str(path) for path in lists.rglob("*") if path.is_file()}
    for daemon in daemons:
        daemon.end()
    for captures, state, _ in reversed(rigs.values()):
        start(captures, state, lists).end()
    assert listed(lists) == every
    assert {str(path) for path in lists.rglob("*") if path.is_file()} == before


KILLED_WRITING = """
import os, signal, sys
from pathlib import Path
from astro_monitor.lists import ListedFrame, write_lists
from astro_monitor.lists.builtin import built_in_writers

lists, first, last, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
taken = 0

def count(event, arguments):
    global taken
    if event in ("os.symlink", "os.remove", "os.rename", "os.mkdir", "os.rmdir") or (event == "open" and arguments[2]):
        taken += step > 0
        if step and taken == step:
            os.kill(os.getpid(), signal.SIGKILL)

frames = [
    ListedFrame(file=f"/captures/{n}.fits", frame_id=f"{n:016x}", decision="keep", weight=0.5, target="M 31",
                filter="L", exposure_s=60.0, width_px=3000, height_px=2000, seq=n,
                date_obs_utc=f"2026-03-01T20:{n:02d}:00Z")
    for n in range(first, last)
]
built_in_writers()  # imports modules, which opens files
sys.addaudithook(count)
write_lists(frames, lists)
"""
"""Writes lists of some frames, and kills itself right before its n-th change of a file; 0 is never."""


def write(lists: Path, first: int, last: int, step: int = 0) -> int:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITING, str(lists), str(first), str(last), str(step)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def tree(folder: Path) -> dict[str, bytes]:
    """Return files and links but the table of contents, which counts the changes."""
    return {
        str(path.relative_to(folder)): os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if (path.is_symlink() or path.is_file()) and path.name != "index.json"
    }


@pytest.mark.slow
def test_a_kill_while_lists_are_written_costs_no_file_of_the_user_and_leaves_no_stray_link(tmp_path) -> None:
    """Frames come and go, so that links are made, changed and removed; after each kill the lists are written again."""
    lists, mine, killed = tmp_path / "lists", {}, 0
    write(lists, 0, 4)
    lights = lists / "m_31_l_60s_3000x2000" / "siril" / "lights"
    for name in ("mine.fit", "light_00003.fit", "light_00042.fit"):
        (lights / name).unlink(missing_ok=True)
        (lights / name).write_bytes(f"{name} of the user".encode())
        mine[name] = (lights / name).read_bytes()
    write(lists, 0, 4)
    for step in range(1, 25):
        first, last = (2, 8) if step % 2 else (0, 4)
        killed += write(lists, first, last, step) != 0
        assert {name: (lights / name).read_bytes() for name in mine} == mine
        write(lists, first, last)
        fresh = tmp_path / f"fresh {step}"
        (fresh / lights.relative_to(lists)).mkdir(parents=True)
        for name, content in mine.items():
            (fresh / lights.relative_to(lists) / name).write_bytes(content)
        write(fresh, first, last)
        assert tree(lists) == tree(fresh)
    assert killed >= 20
