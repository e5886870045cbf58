"""Wall time, processor time and peak memory of a step."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Samples:
    """Seconds of repeated runs of one thing."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, step: Callable[[], object]) -> None:
        """Run it once."""
        wall, cpu = time.perf_counter(), _cpu_s()
        step()
        self.wall_s.append(time.perf_counter() - wall)
        self.cpu_s.append(_cpu_s() - cpu)

    def summary(self) -> dict[str, float]:
        """Median and near-worst wall time, median processor time."""
        ordered = sorted(self.wall_s)
        return {
            "wall_s": statistics.median(ordered),
            "best_s": ordered[0],
            "p95_s": ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))],
            "cpu_s": statistics.median(self.cpu_s),
        }


def _cpu_s() -> float:
    """Processor time of this process, all its threads, and its ended children."""
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def peak_memory_mb() -> float:
    """Peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
