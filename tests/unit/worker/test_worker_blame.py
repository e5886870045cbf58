"""Whose doing the end of a worker was."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from astro_monitor.worker import blame
from astro_monitor.worker.blame import Machine, is_the_files_doing, processor_time_s, was_working

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")

AMPLE = Machine(ample_memory=True)
QUIET, SHORT, KILLED = Machine(), Machine(short_of_memory=True), Machine(oom_kills=1)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_crash_is_the_files_doing_on_a_quiet_computer_alone(name: str) -> None:
    code = -getattr(signal, name)
    assert is_the_files_doing(code, QUIET, QUIET)
    assert not is_the_files_doing(code, SHORT, QUIET)
    assert not is_the_files_doing(code, QUIET, SHORT)
    assert not is_the_files_doing(code, QUIET, KILLED)


def test_leaving_is_the_files_doing() -> None:
    assert is_the_files_doing(7, QUIET, QUIET)
    assert is_the_files_doing(None, QUIET, QUIET)
    assert not is_the_files_doing(None, QUIET, SHORT)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP"])
def test_a_signal_from_outside_is_not(name: str) -> None:
    assert not is_the_files_doing(-getattr(signal, name), QUIET, QUIET)


def test_what_makes_the_kernel_kill_for_memory_where_there_was_plenty_has_taken_it() -> None:
    assert is_the_files_doing(-signal.SIGKILL, AMPLE, KILLED)
    assert not is_the_files_doing(-signal.SIGKILL, AMPLE, AMPLE)
    assert not is_the_files_doing(-signal.SIGKILL, QUIET, KILLED)
    assert not is_the_files_doing(-signal.SIGKILL, SHORT, KILLED)


def test_who_computes_to_the_limit_was_working_who_waits_was_not() -> None:
    assert was_working(9.0, 10.0, QUIET, QUIET)
    assert not was_working(1.0, 10.0, QUIET, QUIET)
    assert not was_working(9.0, 10.0, QUIET, SHORT)
    assert not was_working(None, 10.0, QUIET, QUIET)


@pytest.mark.skipif(sys.platform != "linux", reason="reads proc(5), which only Linux has")
def test_the_system_reports_the_processor_time_of_a_process() -> None:
    used_s = processor_time_s(os.getpid())
    assert used_s is not None
    assert used_s == pytest.approx(sum(os.times()[:2]), abs=2.0)
    assert processor_time_s(2**30) is None


@pytest.mark.parametrize(
    ("own", "folder", "limit", "now"),
    [
        ("0::/a/b\n", "a/b", "memory.max", "memory.current"),
        ("9:memory:/a\n0::/\n", "memory/a", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_a_control_group_that_is_full_is_short_of_memory(tmp_path, monkeypatch, own, folder, limit, now) -> None:
    for name in ("_VMSTAT", "_MEMINFO", "_PRESSURE"):
        monkeypatch.setattr(blame, name, tmp_path / "none")
    monkeypatch.setattr(blame, "_GROUPS", tmp_path)
    monkeypatch.setattr(blame, "_OWN_GROUPS", tmp_path / "own")
    (tmp_path / "own").write_text(own)
    group = tmp_path / folder
    group.mkdir(parents=True)
    (group / limit).write_text("1000\n")
    (group / now).write_text("990\n")
    assert Machine.now().short_of_memory
    (group / "memory.stat").write_text("inactive_file 300\nactive_file 100\n")
    assert not Machine.now().short_of_memory, "what was read from disk is given back"
    (group / "memory.stat").unlink()
    (group / limit).write_text("max\n")
    assert not Machine.now().short_of_memory


def test_memory_is_read_as_the_system_writes_it(tmp_path, monkeypatch) -> None:
    for name, place in [("_VMSTAT", "vmstat"), ("_MEMINFO", "meminfo"), ("_PRESSURE", "pressure")]:
        monkeypatch.setattr(blame, name, tmp_path / place)
    monkeypatch.setattr(blame, "_GROUPS", tmp_path / "groups")
    assert Machine.now() == Machine()
    (tmp_path / "vmstat").write_text("pgfault 7\noom_kill 3\n")
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemAvailable:  400 kB\n")
    (tmp_path / "pressure").write_text("some avg10=90.00 avg60=0.00\nfull avg10=1.00 avg60=0.00 total=5\n")
    assert Machine.now() == Machine(oom_kills=3, ample_memory=True)
    (tmp_path / "pressure").write_text("full avg10=55.00 avg60=0.00 total=5\n")
    assert Machine.now().short_of_memory
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemAvailable:  200 kB\n")
    assert not Machine.now().ample_memory
    (tmp_path / "pressure").write_text("full avg10=nonsense\n")
    assert not Machine.now().short_of_memory
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemAvailable:  40 kB\n")
    assert Machine.now().short_of_memory
