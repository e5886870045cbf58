"""Whether a worker process ended because of its file, or because of the state of the computer at that moment.

A crash on a computer with enough memory is attributed to the file. A kill from outside, a crash while memory runs out,
and waiting for a disk or share that does not answer are temporary: they say nothing about the file.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

LEAST_FREE_SHARE = 0.05
"""With a smaller share of the memory (of the computer, or of the control group) free, the kernel may kill at any
time."""
AMPLE_FREE_SHARE = 0.25
"""With at least this share of the memory free before, a later kill for lack of memory is attributed to the file."""
STALLED_PERCENT = 10.0
"""All tasks waited for memory this share of the last ten seconds, see ``Documentation/accounting/psi.rst`` of Linux."""
WORKING_SHARE = 0.5
"""A worker that used the processor less than this share of its time limit was waiting, not working."""

_CRASHES = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGXCPU", "SIGXFSZ")
    if hasattr(signal, name)
)
"""Signals that a process receives for its own errors."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer at one moment.

    Attributes:
        short_of_memory: whether there is little left; always false where that is unknown.
        ample_memory: whether there is plenty; always false where that is unknown.
        oom_kills: how many processes the kernel has ended because memory ran out; 0 where that is unknown.
    """

    short_of_memory: bool = False
    ample_memory: bool = False
    oom_kills: int = 0

    @staticmethod
    def now() -> Machine:
        """Return the present state, as Linux reports it."""
        free_share = _free_share()
        short = free_share < LEAST_FREE_SHARE or _stalled() or _group_is_full()
        ample = AMPLE_FREE_SHARE <= free_share <= 1.0 and not short
        return Machine(short_of_memory=short, ample_memory=ample, oom_kills=_field(_VMSTAT, "oom_kill"))


def is_the_files_doing(return_code: int | None, before: Machine, after: Machine) -> bool:
    """Return whether a worker that ended by itself, or by a signal, did so because of its file.

    Parameters:
        return_code: as ``subprocess`` gives it: negative for a signal; ``None`` while it runs on with its pipe closed.
        before: when the worker got the file.
        after: when it was found dead.
    """
    if before.short_of_memory:
        return False
    killed_for_memory = after.oom_kills > before.oom_kills
    if return_code is None:
        return not after.short_of_memory
    if return_code == -getattr(signal, "SIGKILL", 9):
        # No process sends this to itself. There was plenty of memory before, so the worker itself used it up.
        return killed_for_memory and before.ample_memory
    if return_code < 0 and -return_code not in _CRASHES:
        return False
    return not (after.short_of_memory or killed_for_memory)


def was_working(used_s: float | None, limit_s: float, before: Machine, after: Machine) -> bool:
    """Return whether a worker that took too long computed all the time, and did not wait for a disk, share or memory.

    Parameters:
        used_s: processor time that it used for the file, in seconds; ``None``: not known.
        limit_s: the time it had.
        before: when the worker got the file.
        after: when its time was over.
    """
    busy = used_s is not None and used_s >= WORKING_SHARE * limit_s
    return busy and not (before.short_of_memory or after.short_of_memory)


def processor_time_s(process_id: int) -> float | None:
    """Return the processor time a process has used, in seconds; ``None`` where the system does not report it."""
    if sys.platform == "win32":
        return None
    try:
        # proc(5): the name, field 2, may hold blanks and brackets; utime and stime are fields 14 and 15.
        fields = Path(f"/proc/{process_id}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


_VMSTAT, _MEMINFO, _PRESSURE = Path("/proc/vmstat"), Path("/proc/meminfo"), Path("/proc/pressure/memory")
_GROUPS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def _field(place: Path, name: str) -> int:
    """Return a number from a file of lines ``name number``; 0 when it is not there."""
    for line in _text(place).splitlines():
        words = line.split()
        if len(words) >= 2 and words[0].rstrip(":") == name and words[1].isdecimal():
            return int(words[1])
    return 0


def _free_share() -> float:
    """Return which part of the memory of the computer is available; infinity where that is unknown."""
    total = _field(_MEMINFO, "MemTotal")
    return _field(_MEMINFO, "MemAvailable") / total if total > 0 else math.inf


def _stalled() -> bool:
    """Return whether the computer has stalled for want of memory in the last 10 s (Linux pressure information)."""
    for line in _text(_PRESSURE).splitlines():
        words = line.split()
        if words[:1] == ["full"] and words[1].startswith("avg10="):
            try:
                return float(words[1].removeprefix("avg10=")) > STALLED_PERCENT
            except ValueError:
                return False
    return False


def _group_is_full() -> bool:
    """Return whether the control group of this process, of either version, has used up its memory."""
    groups = [line.split(":", 2) for line in _text(_OWN_GROUPS).splitlines() if line.count(":") >= 2]
    own = {controllers: path.lstrip("/") for _, controllers, path in groups}
    if "memory" in own:
        folder, limit, now = _GROUPS / "memory" / own["memory"], "memory.limit_in_bytes", "memory.usage_in_bytes"
    else:
        folder, limit, now = _GROUPS / own.get("", ""), "memory.max", "memory.current"
    most, used = _text(folder / limit).strip(), _text(folder / now).strip()
    if not (most.isdecimal() and used.isdecimal()):
        return False
    # What was read from disk counts as used, and is given back when memory is wanted.
    cached = sum(_field(folder / "memory.stat", name) for name in ("inactive_file", "active_file"))
    return int(used) - cached > (1.0 - LEAST_FREE_SHARE) * int(most)


def _text(place: Path) -> str:
    """Return the content of a file of the operating system, such as one in ``/proc``; empty when it is unreadable."""
    try:
        return place.read_text("utf-8", "replace")
    except OSError:
        return ""
