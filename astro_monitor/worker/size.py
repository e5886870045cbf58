"""How many workers there are, and how many threads each has."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ..settings import Settings

WORKER_BYTES = 1 << 30
"""What one worker may need: 0.2 GB with its models loaded, 0.5 GB more while it looks at 61 megapixels, and reserve."""
SHARE_OF_MEMORY = 0.5
"""Of the memory of the computer: the other half is for the capture program and everything else."""
MOST_PROCESSES = 16
"""One process judges; more workers than this it cannot keep busy."""
CUDA_PROCESSES = 2
"""Workers that share a graphics card: one prepares a frame while the other uses the card."""

_MEMINFO = Path("/proc/meminfo")
_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True, slots=True)
class Computer:
    """What the workers share.

    Attributes:
        cores: that this process may use.
        memory_bytes: of the computer, or of the control group of this process; 0 where that is unknown.
    """

    cores: int
    memory_bytes: int

    @staticmethod
    def this_one() -> Computer:
        """Return what the system says."""
        return Computer(usable_cores(), _memory_bytes())


def process_count(settings: Settings, computer: Computer | None = None) -> int:
    """Return how many worker processes there are at most.

    Parameters:
        settings: ``worker.processes``; 0 leaves it to the computer.
        computer: cores and memory; those of this computer by default.
    """
    if settings.worker.processes:
        return settings.worker.processes
    computer = computer or Computer.this_one()
    by_memory = (
        int(SHARE_OF_MEMORY * computer.memory_bytes) // WORKER_BYTES if computer.memory_bytes else computer.cores
    )
    return max(1, min(computer.cores, by_memory, MOST_PROCESSES))


def settings_of(settings: Settings, number: int, processes: int, cores: int | None = None) -> Settings:
    """Return the settings of one worker process.

    The first one uses every core, so that a single live frame is as quick as it can be. The others run only while
    there is a backlog, and share the cores.

    Parameters:
        settings: the whole tree; ``worker.threads`` is left as it is where it is not 0.
        number: of the worker, from 0.
        processes: how many there are at most.
        cores: that this process may use; asked of the system by default.
    """
    if settings.worker.threads or number == 0:
        return settings
    threads = max(1, (cores or usable_cores()) // processes)
    return settings.model_copy(update={"worker": settings.worker.model_copy(update={"threads": threads})})


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _memory_bytes() -> int:
    """Return the memory of the computer, or of the control group where that is less; 0 where neither is known."""
    known = [limit for limit in (_total_bytes(), *map(_group_limit, _GROUP_LIMITS)) if limit]
    return min(known, default=0)


def _total_bytes() -> int:
    """Return the memory of the computer in bytes, from which the number of workers follows; 0 when unknown."""
    try:
        for line in _MEMINFO.read_text("utf-8", "replace").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemTotal":
                return int(rest.split()[0]) << 10
    except (OSError, ValueError, IndexError):
        pass
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def _group_limit(path: Path) -> int:
    """Return the limit of a control group; 0 where there is none."""
    try:
        text = path.read_text("ascii").strip()
    except (OSError, ValueError):
        return 0
    # Version 1 writes a number near 2**63 for no limit.
    return int(text) if text.isdecimal() and int(text) < 1 << 62 else 0
