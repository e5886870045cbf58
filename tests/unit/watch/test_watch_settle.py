"""When a file is whole: the state machine, without a disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.watch import Look, SettleRules, Settling, Sighting
from astro_monitor.watch.settle import CLOSED_CHECK_S, DOUBTFUL_QUIET_S, MAX_CHECK_S, State

RULES = SettleRules(quiet_s=2.0, give_up_s=600.0)
WHOLE = Look(knows_length=True)
SHORT = Look(missing="has 1 of 2 bytes", knows_length=True)
UNTOLD = Look()
ZEROS = Look(knows_length=True, unfilled=True)


def sighting(size_bytes: int = 1000, mtime_ns: int = 1, number: int = 1) -> Sighting:
    return Sighting(size_bytes, mtime_ns, (1, number))


def seen(at_s: float = 100.0, **kind: int) -> Settling:
    return Settling(RULES, sighting(**kind), at_s)


def test_a_closed_file_is_whole_after_a_second_look() -> None:
    file = seen()
    file.closed(100.0)
    assert not file.is_ripe(100.0)
    assert file.next_check_s(100.0) == 100.0 + CLOSED_CHECK_S
    assert file.is_ripe(100.05)
    assert file.decide(WHOLE, 100.05) is State.READY


def test_a_closed_file_that_changes_before_the_second_look_has_to_be_quiet() -> None:
    file = seen()
    file.closed(100.0)
    file.saw(sighting(mtime_ns=2), 100.05)
    assert not file.is_ripe(101.0)
    assert file.is_ripe(102.1)


def test_a_closed_file_without_a_known_length_has_to_be_quiet() -> None:
    file = seen()
    file.closed(100.0)
    assert file.decide(UNTOLD, 100.1) is State.GROWING
    assert file.decide(UNTOLD, 102.1) is State.READY


@pytest.mark.parametrize("changed", [{"size_bytes": 2000}, {"mtime_ns": 2}, {"number": 2}])
def test_any_change_restarts_the_quiet_time(changed: dict[str, int]) -> None:
    file = seen()
    file.saw(sighting(**changed), 101.9)
    assert file.state is State.GROWING
    assert not file.is_ripe(102.1)
    assert file.is_ripe(108.0)


def test_a_large_file_has_to_be_quiet_for_longer() -> None:
    assert seen(size_bytes=0).quiet_needed_s() == 2.0
    assert seen(size_bytes=120_000_000).quiet_needed_s() == pytest.approx(3.2)


def test_a_writer_that_pauses_is_given_three_times_its_longest_pause() -> None:
    file = seen()
    file.saw(sighting(2000), 103.0)
    assert file.quiet_needed_s() == 9.0
    file.saw(sighting(3000), 104.0)
    assert file.quiet_needed_s() == 9.0
    file.saw(sighting(4000), 404.0)
    assert file.quiet_needed_s() == 20.0


def test_a_short_file_is_stuck_after_the_time_to_give_up_and_no_sooner() -> None:
    file = seen()
    file.closed(100.0)
    assert file.decide(SHORT, 100.1) is State.GROWING
    assert file.decide(SHORT, 699.9) is State.GROWING
    assert file.decide(SHORT, 700.0) is State.STUCK


def test_a_file_that_was_allocated_and_not_filled_waits_for_a_minute_and_a_half_even_when_closed() -> None:
    file = seen()
    file.closed(100.0)
    assert file.decide(ZEROS, 102.1) is State.GROWING
    assert file.decide(ZEROS, 100.0 + DOUBTFUL_QUIET_S) is State.READY


def test_a_file_whose_end_is_filled_under_an_unchanged_time_starts_again() -> None:
    file = seen()
    assert file.decide(ZEROS, 110.0) is State.GROWING
    assert file.decide(WHOLE, 120.0) is State.GROWING
    assert file.decide(WHOLE, 140.0) is State.READY


def test_closing_again_is_new_evidence() -> None:
    file = seen()
    file.closed(100.0)
    assert file.decide(SHORT, 100.05) is State.GROWING
    file.saw(sighting(2000), 100.1)
    file.closed(100.1)
    assert file.is_ripe(100.2)
    assert file.decide(WHOLE, 100.2) is State.READY


@given(
    steps=st.lists(st.floats(0.0, 700.0), max_size=8),
    looks=st.lists(st.sampled_from([WHOLE, SHORT, UNTOLD, ZEROS, None]), max_size=8),
)
def test_the_next_check_is_always_ahead_and_never_far(steps: list[float], looks: list[Look | None]) -> None:
    file, now_s = seen(0.0), 0.0
    for step_s, look in zip(steps, looks, strict=False):
        now_s += step_s
        if look is None:
            file.saw(sighting(mtime_ns=int(now_s * 1e9) + 2), now_s)
            file.closed(now_s)
        elif file.is_ripe(now_s):
            file.decide(look, now_s)
        assert now_s < file.next_check_s(now_s) <= now_s + MAX_CHECK_S
