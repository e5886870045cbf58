"""How many workers there are follows from the computer, unless the settings say it."""

from __future__ import annotations

import pytest

from astro_monitor.settings import Settings, WorkerSettings
from astro_monitor.worker.size import Computer, process_count, settings_of

GB = 1 << 30


def chosen(**worker: int) -> Settings:
    return Settings(worker=WorkerSettings(**worker))


@pytest.mark.parametrize(
    ("cores", "memory_gb", "count"), [(4, 16, 4), (8, 8, 4), (4, 1, 1), (1, 64, 1), (6, 0, 6), (128, 512, 16)]
)
def test_there_is_one_worker_for_each_core_where_memory_allows_it(cores: int, memory_gb: int, count: int) -> None:
    assert process_count(chosen(), Computer(cores, memory_gb * GB)) == count


@pytest.mark.parametrize("count", [1, 3])
def test_the_settings_have_the_last_word(count: int) -> None:
    assert process_count(chosen(processes=count), Computer(2, GB)) == count


def test_the_first_worker_uses_every_core_and_the_others_their_share() -> None:
    threads = [settings_of(chosen(), number, 3, 8).worker.threads for number in range(3)]
    assert threads == [0, 2, 2]
    assert settings_of(chosen(), 1, 16, 8).worker.threads == 1


def test_a_number_of_threads_in_the_settings_holds_for_each_worker() -> None:
    assert [settings_of(chosen(threads=5), number, 2, 8).worker.threads for number in range(2)] == [5, 5]


def test_this_computer_has_a_core_and_memory() -> None:
    assert Computer.this_one().cores >= 1
    assert process_count(chosen()) >= 1
