"""Both sides of a pipe know which baselines the worker has."""

from __future__ import annotations

import pytest

from astro_monitor.records import Baseline, BaselineKey
from astro_monitor.worker.baselines import MOST_BASELINES, BaselineCache, BaselineVersions


def key(number: int) -> BaselineKey:
    return BaselineKey(rig="r", target=str(number), filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)


def test_a_version_is_known_until_another_one_replaces_it() -> None:
    cache: BaselineCache[str] = BaselineCache()
    cache.put(key(1), 1, "first")
    assert cache.has(key(1), 1)
    cache.put(key(1), 2, "second")
    assert not cache.has(key(1), 1)
    assert cache.take(key(1), 2) == "second"
    with pytest.raises(KeyError):
        cache.take(key(1), 1)


def test_both_sides_forget_the_same_ones() -> None:
    one: BaselineCache[int] = BaselineCache()
    other: BaselineCache[str] = BaselineCache()
    for number in [*range(MOST_BASELINES), 0, *range(MOST_BASELINES, MOST_BASELINES + 5)]:
        one.put(key(number), number, number)
        other.put(key(number), number, "x")
    there = [number for number in range(MOST_BASELINES + 5) if one.has(key(number), number)]
    assert there == [number for number in range(MOST_BASELINES + 5) if other.has(key(number), number)]
    assert there == [0, *range(6, MOST_BASELINES + 5)]


def test_an_equal_baseline_has_the_same_version_and_another_one_a_new_one() -> None:
    versions = BaselineVersions()
    first = versions.version_of(Baseline(key=key(1), size=1))
    assert versions.version_of(Baseline(key=key(1), size=1)) == first
    second = versions.version_of(Baseline(key=key(1), size=2))
    assert len({first, second, versions.version_of(Baseline(key=key(2), size=1))}) == 3
    assert versions.version_of(Baseline(key=key(1), size=1)) > second
