"""Whatever lies in the place of a file of the night log, nothing else is written, and nothing waits for ever."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.errors import NightLogError
from astro_monitor.nightlog import NightLog

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")

PLACES = [".lock", "", "-wal", "-shm", "-journal"]


def opened(path: Path) -> NightLog:
    return NightLog.open(path, session_id="s" * 32, clock=SystemClock())


@pytest.mark.parametrize("ending", PLACES)
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_is_refused_in_one_sentence_and_what_it_points_to_stays(
    tmp_path: Path, ending: str, dangling: bool
) -> None:
    path, victim = tmp_path / "state" / "nightlog.sqlite", tmp_path / "victim"
    path.parent.mkdir()
    if not dangling:
        victim.write_bytes(b"12")
    path.with_name(path.name + ending).symlink_to(victim)
    with pytest.raises(NightLogError, match="it is a link, not a plain file"):
        opened(path)
    assert not victim.exists() if dangling else victim.read_bytes() == b"12"


@pytest.mark.parametrize("ending", PLACES)
def test_a_pipe_is_refused_without_waiting(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "nightlog.sqlite"
    os.mkfifo(path.with_name(path.name + ending))
    with pytest.raises(NightLogError, match="not a plain file"):
        opened(path)


def test_a_file_of_something_else_in_the_place_of_the_lock_is_not_written(tmp_path: Path) -> None:
    lock = tmp_path / "nightlog.sqlite.lock"
    lock.write_bytes(b"the only copy of a thesis")
    with pytest.raises(NightLogError, match="a file of something else"):
        opened(tmp_path / "nightlog.sqlite")
    assert lock.read_bytes() == b"the only copy of a thesis"


@pytest.mark.parametrize("content", [b"", b"4711\n", b"\0" * 5])
def test_what_a_crash_leaves_in_the_lock_is_no_reason_not_to_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nightlog.sqlite.lock").write_bytes(content)
    opened(tmp_path / "nightlog.sqlite").close()


def test_links_in_the_place_of_trail_and_reserve_lead_to_no_write(tmp_path: Path) -> None:
    path, victim = tmp_path / "state" / "nightlog.sqlite", tmp_path / "victim"
    path.parent.mkdir()
    (path.parent / "nightlog.reserve").symlink_to(victim)
    opened(path).close()
    assert not victim.exists()
    victim.mkdir()
    (path.parent / "nightlog.trail").symlink_to(victim)
    with pytest.raises(NightLogError, match=r"nightlog\.trail: it is a link"):
        opened(path)
    assert list(victim.iterdir()) == []


def test_links_and_pipes_in_the_trail_are_passed_over(tmp_path: Path) -> None:
    path, victim = tmp_path / "nightlog.sqlite", tmp_path / "victim"
    victim.write_bytes(b"{}")
    trail = tmp_path / "nightlog.trail"
    trail.mkdir()
    os.mkfifo(trail / "999999999999-a.jsonl")
    (trail / "999999999999-b.jsonl").symlink_to(victim)
    opened(path).close()
    assert victim.read_bytes() == b"{}"
