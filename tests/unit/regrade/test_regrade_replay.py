"""A night judged again with the same models and settings comes to the same decisions, whatever happened in it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from astro_monitor import metrics
from astro_monitor.clock import SystemClock
from astro_monitor.judge import Judge
from astro_monitor.memory import BEFORE, NIGHTS_KEPT, Memory, past_of
from astro_monitor.nightlog import NightLog
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, Failed, FrameMeta, Grade, Measurements, Skipped
from astro_monitor.regrade import JudgedAgain, chosen_rows, judge_only, moves
from astro_monitor.session import Session
from astro_monitor.settings import Settings

SEEDS = (1, 3, 4, 8, 10)
"""Of lives with and without second looks, and with decisions by hand before one."""

START = datetime(2026, 3, 20, 20, tzinfo=UTC)


def examined(number: int, night: int, good: float, transparency: float) -> Examined:
    sha256 = f"{number + 1000 * night:016x}" * 4
    rest = (1 - good) / (len(CLASSES) - 1)
    moment = START + timedelta(days=night, minutes=number)
    arrival = Arrival(path=Path(f"/night/{night}-{number}.fits"), root=Path("/night"), size_bytes=9, mtime_ns=1,
                      first_seen_utc=moment, settled_utc=moment, how="scan")  # fmt: skip
    values = {"star_count": 50.0, "matched_star_count": 40.0, "transparency": transparency}
    return Examined(
        arrival=arrival, frame_id=sha256[:16], sha256=sha256,
        meta=FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0, date_obs_utc=moment),
        sensor_shape=(64, 80), sensor_px_per_px=1,
        measurements=Measurements(frame_id=sha256[:16], values=dict.fromkeys(metrics.KEYS) | values, why_missing={},
                                  field_grid=(), bright_stars=(), streaks=()),
        grade=Grade(frame_id=sha256[:16], label="good", probabilities={**dict.fromkeys(CLASSES, rest), "good": good},
                    fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=1.0, in_domain=1.0,
                    why_unknown="", model="quality.1+aa"),
        models=("quality.1+aa",), timings_s={"total": 0.1},
    )  # fmt: skip


class Nights:
    """A log that lives through nights as chance has it: second looks late or never, decisions by hand, restarts."""

    def __init__(self, seed: int, nights: int = 2) -> None:
        self.chance = random.Random(seed)
        self.log = NightLog.open(":memory:", "s" * 32, SystemClock(), longitude_deg=0.0)
        self.outcomes: dict[str, Examined] = {}
        self.seconds: dict[str, Examined] = {}
        self.revised = 0
        for night in range(nights):
            self._live(night)

    def _live(self, night: int) -> None:
        session = self._session()
        for number in range(40):
            good = self.chance.choice((0.97, 0.95, 0.6, 0.5)) if number > 3 else self.chance.choice((0.6, 0.97))
            outcome = examined(number, night, good, self.chance.choice((1.0, 0.97, 0.95, 0.5)) if number > 3 else 1.0)
            self.outcomes[outcome.frame_id] = outcome
            # A frame of a known rig is judged otherwise than a single one.
            better = examined(number, night, self.chance.choice((0.6, 0.97)), self.chance.choice((1.0, 0.9, 0.3)))
            self.seconds[outcome.frame_id] = better
            session.baselines()
            session.take(outcome)
            if self.chance.random() < 0.2:
                for due in session.second_looks():
                    session.look_again(
                        next(one for one in self.seconds.values() if one.arrival.path == due.arrival.path)
                    )
            if self.chance.random() < 0.1:
                some = self.chance.choice(list(self.outcomes))
                session.revise(some, self.chance.choice(("keep", "reject")), "ana", "as I like it")
            if self.chance.random() < 0.03:
                session = self._session()
        session.stop("stopped", "The end.")

    def _session(self) -> Session:
        def hear(document) -> None:
            self.revised += document.kind == "frame.revised" and document.body["by"] == "rules"

        return Session(Settings(), self.log, SystemClock(), announce=hear)

    def again(self, night: str | None, settings: Settings | None = None) -> list[JudgedAgain]:
        rows = list(self.log.judged_frames())
        nights = sorted({row.night for row in rows})
        past = past_of(self.log, nights if night is None else [night])
        every, chosen = chosen_rows(rows, night, warm_up=past.memory is None)
        seen = [JudgedAgain(row, self.outcomes[row.frame_id], None, second=self.seconds[row.frame_id]) for row in every]
        wanted = {row.frame_id for row in chosen}
        return [one for one in judge_only(seen, settings or Settings(), past) if one.row.frame_id in wanted]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("night", [None, "2026-03-20", "2026-03-21"])
def test_nothing_changes_with_the_same_settings(seed, night) -> None:
    nights = Nights(seed)
    again = nights.again(night)
    assert len(again) == (80 if night is None else 40)
    assert [one for one in again if one.changed] == []


def test_the_nights_had_second_looks_that_changed_something_and_some_that_did_not() -> None:
    lives = [Nights(seed) for seed in SEEDS]
    assert sum(life.revised for life in lives) > 5
    looked = sum(len(life.log.state("second_looks") or {}) for life in lives)
    assert looked > sum(life.revised for life in lives)


def test_a_log_without_that_memory_is_judged_from_some_frames_before() -> None:
    nights = Nights(3)
    rows = list(nights.log.judged_frames())
    every, chosen = chosen_rows(rows, "2026-03-21", warm_up=True)
    assert len(every) == 40 + min(40, sum(row.rules_decision == "keep" for row in rows if row.night == "2026-03-20"))
    assert every[-40:] == chosen


def test_frames_of_other_nights_that_were_judged_in_between_are_judged_too() -> None:
    nights = Nights(5)
    rows = list(nights.log.judged_frames())
    mixed = [replace(row, night="2026-03-20" if row.seq % 2 else row.night) for row in rows]
    every, chosen = chosen_rows(mixed, "2026-03-21", warm_up=False)
    assert {row.seq for row in every} == {row.seq for row in rows if chosen[0].seq <= row.seq <= chosen[-1].seq}
    assert all(row.night == "2026-03-21" for row in chosen)


def test_other_settings_change_what_they_must_second_looks_included() -> None:
    nights = Nights(1)
    strict = Settings.model_validate({"judge": {"min_stars": 60}})
    again = nights.again(None, strict)
    assert {one.now for one in again} <= {"review", "reject"}
    assert moves(again)["keep", "review"] > 20


def test_a_frame_that_would_be_no_light_or_fail_now_is_a_change() -> None:
    (row, *_) = Nights(2).log.judged_frames()
    light = examined(0, 0, 0.97, 3.0)
    skipped = Skipped(arrival=light.arrival, frame_id=light.frame_id, sha256=light.sha256, meta=FrameMeta(kind="flat"),
                      sensor_shape=(64, 80), sentence="A flat.", timings_s={})  # fmt: skip
    failed = Failed(arrival=light.arrival, frame_id=light.frame_id, stage="read", kind="unreadable", known=True,
                    retryable=False, sentence="No.", timings_s={})  # fmt: skip
    assert [(one.now, one.changed) for one in (JudgedAgain(row, skipped, None), JudgedAgain(row, failed, None))] == [
        ("skipped", True), ("failed", True)
    ]  # fmt: skip
    gone = JudgedAgain(row, None, None, "the frame is no longer where it was")
    assert (gone.now, gone.changed) == ("", False)


def test_what_is_kept_of_nights_is_bounded() -> None:
    with NightLog.open(":memory:", "s" * 32, SystemClock()) as log:
        memory, judge = Memory(log), Judge(Settings().judge, Settings().site)
        for night in range(NIGHTS_KEPT + 5):
            memory.begin(f"2026-01-{night:03d}", judge)
            memory.begin(f"2026-01-{night:03d}", judge)
            log.commit([], states=memory.pending())
            memory.written()
            assert memory.pending() == {}
        names = log.state_names(BEFORE)
        assert (len(names), min(names)) == (NIGHTS_KEPT, f"{BEFORE}2026-01-005")
        Memory(log).begin("2026-01-034", judge)
        assert Memory(log).pending() == {}
