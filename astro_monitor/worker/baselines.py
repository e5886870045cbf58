"""Which baselines a worker has, so that each version travels once: both sides of the pipe keep the same cache."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from ..records import Baseline, BaselineKey

MOST_BASELINES = 64
"""Baselines that one worker keeps, about 100 kB each; the one that arrived first goes first."""

_Kept = TypeVar("_Kept")


class BaselineCache(Generic[_Kept]):
    """The last baselines that went through one pipe, by their keys.

    The monitor keeps their versions, the worker the baselines; as both put them down in the same order, both have the
    same ones.
    """

    def __init__(self) -> None:
        self._kept: dict[BaselineKey, tuple[int, _Kept]] = {}

    def has(self, key: BaselineKey, version: int) -> bool:
        """Return whether this very version is here."""
        return key in self._kept and self._kept[key][0] == version

    def put(self, key: BaselineKey, version: int, kept: _Kept) -> None:
        """Put one down, in place of another version of it."""
        self._kept.pop(key, None)
        self._kept[key] = version, kept
        while len(self._kept) > MOST_BASELINES:
            del self._kept[next(iter(self._kept))]

    def take(self, key: BaselineKey, version: int) -> _Kept:
        """Return what was put down.

        Raises:
            KeyError: it is not here.
        """
        if not self.has(key, version):
            raise KeyError(f"version {version} of a baseline is not here")
        return self._kept[key][1]


class BaselineVersions:
    """Numbers the versions of baselines; for any thread."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._latest: dict[BaselineKey, tuple[int, Baseline]] = {}
        self._count = 0

    def version_of(self, baseline: Baseline) -> int:
        """Return the number of a baseline: that of the last one with its key, unless it says something else."""
        with self._changing:
            version, latest = self._latest.pop(baseline.key, (0, baseline))
            if version == 0 or latest != baseline:
                self._count += 1
                version = self._count
            self._latest[baseline.key] = version, baseline
            while len(self._latest) > MOST_BASELINES:
                del self._latest[next(iter(self._latest))]
            return version
