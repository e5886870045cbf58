"""What the worker process may use, as the operating system enforces it. Where it cannot, the monitor still kills."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path

ALARM_SLACK_S = 10.0
"""The worker's own alarm is later than the monitor's limit: it matters only when the monitor is gone."""


def ignore_interrupts() -> None:
    """Ignore Ctrl-C and the stop signal in the worker process; the monitor ends it between two frames."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)


def die_first() -> None:
    """Ask Linux to end this worker process before any other of the user's when memory runs out."""
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", "ascii")


def limit_resources(memory_mb: int, *, reserves: bool = False, may_write: bool = False) -> bool:
    """Limit the memory of this worker process, and forbid core dumps and, unless allowed, writing files, permanently.

    Call it when the models are loaded: what they take is theirs, and the limit counts from there.

    Parameters:
        memory_mb: what this process may take beyond what it has now, in units of 2**20 bytes.
        reserves: whether an execution provider reserves address space that it does not use, as CUDA does all the
            time. Then only memory that can be written is counted, else all address space.
        may_write: whether this process may write files.

    Returns:
        whether the memory limit is in force; it is on Linux alone.
    """
    if sys.platform != "linux":
        return False
    import resource

    # See proc(5): the first number is all address space, the sixth is data and stack.
    pages = Path("/proc/self/statm").read_text("ascii").split()
    what, used = (resource.RLIMIT_DATA, pages[5]) if reserves else (resource.RLIMIT_AS, pages[0])
    limit = int(used) * resource.getpagesize() + (memory_mb << 20)
    _, ceiling = resource.getrlimit(what)
    if ceiling != resource.RLIM_INFINITY:
        limit = min(limit, ceiling)
    resource.setrlimit(what, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not may_write:
        # The worker reads frames and answers over a pipe; nothing it does may change a file.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    return True


def start_alarm(seconds: float) -> None:
    """Let the system end this worker process after so many seconds, even inside a library that never returns."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds + ALARM_SLACK_S)


def stop_alarm() -> None:
    """Stop the alarm of the worker process: the frame is done."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)
