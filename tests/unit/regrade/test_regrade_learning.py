"""What decisions by hand teach, and how a night judged again is compared; nothing is ever applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from astro_monitor import metrics
from astro_monitor.nightlog import FrameRow
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, FrameMeta, Grade, Measurements
from astro_monitor.regrade import JudgedAgain, by_hand, chosen_rows, followed, judge_only, lessons, moves
from astro_monitor.settings import Settings

START = datetime(2026, 3, 1, 20, tzinfo=UTC)
ROUND = {
    "fwhm_px": 3.0, "fwhm_minor_px": 2.9, "elongation": 1.05, "trail_length_px": 0.3, "angle_coherence": 0.2,
    "star_count": 400.0, "star_count_measured": 200.0, "trail_plus_px2": 0.05, "trail_cross_px2": 0.05,
}  # fmt: skip


def seen(number, *, p_bad=0.0, hand="", first="keep", night="2026-03-01", **values):
    frame_id = f"{number:016x}"
    moment = START + timedelta(minutes=number)
    given = {"good": 1 - p_bad, "bad_tracking": p_bad}
    examined = Examined(
        arrival=Arrival(path=Path(f"/n/{number}.fits"), root=Path("/n"), size_bytes=1, mtime_ns=0,
                        first_seen_utc=moment, settled_utc=moment, how="named"),
        frame_id=frame_id, sha256=frame_id * 4, meta=FrameMeta(kind="light", date_obs_utc=moment, exposure_s=30.0),
        sensor_shape=(2000, 3000), sensor_px_per_px=1,
        measurements=Measurements(frame_id=frame_id, values=dict.fromkeys(metrics.KEYS) | ROUND | values,
                                  why_missing={}, field_grid=(), bright_stars=(), streaks=()),
        grade=Grade(frame_id=frame_id, label=max(given, key=given.get),
                    probabilities={name: given.get(name, 0.0) for name in CLASSES},
                    fault_scores=dict.fromkeys(FAULTS, 0.02), cause="drift", cause_probability=0.9, in_domain=0.95,
                    why_unknown="", model="quality"),
        models=(), timings_s={},
    )  # fmt: skip
    row = FrameRow(
        seq=number, doc_id=f"d-{number}", frame_id=frame_id, time="", night=night, paths=(), decision=hand or first,
        first_decision=first, rules_decision=first, decided_by="astronomer" if hand else "rules", why="", weight=1.0,
        body={"relative_path": f"{number}.fits"},
    )  # fmt: skip
    return JudgedAgain(row, examined, None)


def night(decided):
    return judge_only(decided, Settings())


def test_what_is_rejected_again_and_again_teaches_a_lower_probability():
    """The rules put 0.4 up for a look; their owner wants none of them."""
    frames = [seen(n) for n in range(8)]
    doubtful = {"p_bad": 0.4, "first": "review", "trail_length_px": 3.6, "trail_plus_px2": 13.0,
                "star_count_measured": 8.0}  # fmt: skip
    frames += [seen(20 + n, hand="reject", **doubtful) for n in range(6)] + [seen(30, **doubtful)]
    again = night(frames)
    assert followed(again) == 0
    best = lessons(again, Settings())[0]
    assert (best.setting, best.value, best.followed) == ("reject_probability", 0.3, 6)
    assert [one.row.frame_id for one in best.others] == [f"{30:016x}"]


def test_soft_frames_rejected_by_hand_teach_a_limit_on_the_width():
    frames = [seen(n, hand="keep" if n < 4 else "") for n in range(12)]
    soft = {"fwhm_px": 4.0, "fwhm_minor_px": 3.9}
    frames += [seen(20 + n, hand="reject", **soft) for n in range(4)] + [seen(30, **soft)]
    found = {lesson.setting: lesson for lesson in lessons(night(frames), Settings())}
    assert found["max_fwhm_px"].value == pytest.approx(3.5)
    assert found["max_fwhm_px"].followed == 8
    assert [one.row.frame_id for one in found["max_fwhm_px"].others] == [f"{30:016x}"]


def test_few_decisions_teach_nothing():
    frames = [seen(n, p_bad=0.6, hand="keep") for n in range(4)]
    assert lessons(night(frames), Settings()) == []


def test_settings_are_only_tried():
    settings = Settings()
    before = settings.model_dump()
    lessons(night([seen(n, p_bad=0.6, hand="keep") for n in range(6)]), settings)
    assert settings.model_dump() == before


def test_decisions_by_hand_of_frames_that_are_gone_are_left_out():
    gone = replace(seen(1, hand="keep"), outcome=None, sentence="the frame is no longer where it was")
    assert [one.row.frame_id for one in by_hand(night([gone, seen(2, hand="reject")]))] == [f"{2:016x}"]


def test_moves_count_what_was_and_what_would_be():
    again = night(
        [seen(0), seen(1, p_bad=0.95, first="keep", trail_length_px=9.0, elongation=2.5, angle_coherence=0.9)]
    )
    assert moves(again)["keep", "keep"] == 1
    assert sum(moves(again).values()) == 2
    assert again[1].changed


def test_a_night_is_chosen_with_what_was_kept_before_it():
    rows = [seen(n, night="2026-02-28", first="keep" if n % 2 else "reject").row for n in range(100)]
    rows += [seen(200 + n).row for n in range(3)]
    every, chosen = chosen_rows(reversed(rows), "2026-03-01")
    warm = every[:-3]
    assert [row.seq for row in chosen] == [200, 201, 202]
    assert every[-3:] == chosen
    assert len(warm) == 40
    assert all(row.first_decision == "keep" and row.seq < 100 for row in warm)
    assert chosen_rows(rows, "1999-01-01") == ([], [])
    assert len(chosen_rows(rows, None)[1]) == 103
    assert chosen_rows(rows, "2026-03-01", warm_up=False)[0] == chosen
