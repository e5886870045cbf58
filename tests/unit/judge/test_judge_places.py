"""Lines that come back at the same place are no satellites; satellites are, however alike their trails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.baseline.places import REMEMBERED_FRAMES, Places
from astro_monitor.judge import Judge
from astro_monitor.records import Examined, Streak, baseline_key, split_streaks
from astro_monitor.records.places import same_place
from astro_monitor.settings import JudgeSettings, SiteSettings

Make = Callable[..., Examined]


def streak(x0: float, y0: float, x1: float, y1: float, width_px: float = 4.0) -> Streak:
    length = float(np.hypot(x1 - x0, y1 - y0))
    angle = float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
    return Streak(
        x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1, angle_deg=90 - (90 - angle) % 180, length_px=length, width_px=width_px
    )


def seen(
    judge: Judge, frame: Make, number: int, *streaks: Streak, shift: tuple[float, float] | None = None,
    meta: dict[str, Any] | None = None,
) -> bool:  # fmt: skip
    """Judge a frame with these streaks, as the worker would describe it; whether it shows a trail."""
    placed = {} if shift is None else {"offset_x_px": shift[0], "offset_y_px": shift[1], "field_turn_deg": 0.0}
    one = frame(number, meta=meta, **placed)
    baseline = judge.baseline_for(baseline_key(one.meta, one.sensor_shape))
    trails, fixed = split_streaks(streaks, baseline.fixed_lines, shift)
    values = {**one.measurements.values, "streak_count": float(len(trails))}
    measured = replace(one.measurements, values=values, streaks=trails, fixed_streaks=fixed)
    verdict, _ = judge.judge(replace(one, measurements=measured))
    return "streak" in verdict.flags


def test_a_line_at_one_place_of_the_sensor_is_known_after_three_frames(judge, frame):
    flagged = [seen(judge, frame, n, streak(945, 100 + 7 * n, 944, 480 - 5 * n)) for n in range(8)]
    assert flagged == [True, True, True, False, False, False, False, False]


def test_so_is_one_that_is_seen_in_one_frame_of_three(judge, frame):
    line = streak(945, 100, 944, 480)
    flagged = [seen(judge, frame, n, *([line] if n % 3 == 0 else [])) for n in range(30)]
    assert sum(flagged) == 3
    assert not any(flagged[9:])


def test_a_line_that_moves_with_the_stars_is_known(judge, frame):
    # The first frame is the reference.
    shifts = np.random.default_rng(1).uniform(-60, 60, (10, 2)) * np.arange(10)[:, None].clip(max=1)
    flagged = [
        seen(judge, frame, n, streak(500 + x, 300 + y, 620 + x, 420 + y), shift=(x, y))
        for n, (x, y) in enumerate(shifts)
    ]
    assert sum(flagged) == 3
    assert not any(flagged[3:])


def test_a_trail_next_to_a_known_line_is_reported(judge, frame):
    line = streak(945, 100, 944, 480)
    for n in range(5):
        seen(judge, frame, n, line)
    assert seen(judge, frame, 5, line, streak(10, 20, 900, 700))
    assert not seen(judge, frame, 6, line)


def test_satellites_of_the_geostationary_belt_stay_trails(judge, frame):
    # Each frame's trails go on along the belt; every satellite has a declination of its own.
    rng = np.random.default_rng(2)
    for n in range(60):
        begin = 50 + (137 * n) % 600
        trails = [
            streak(begin + 40 * k, 700 + y, begin + 40 * k + 220, 712 + y) for k, y in enumerate(rng.normal(0, 60, 2))
        ]
        assert seen(judge, frame, n, *trails)


def test_one_satellite_after_the_other_on_one_line_stays_a_trail(judge, frame):
    for n in range(40):
        assert seen(judge, frame, n, streak(20 + 240 * n, 500, 240 + 240 * n, 500))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_trails_anywhere_never_become_known(seed: int):
    rng, places = np.random.default_rng(seed), Places()
    for n in range(60):
        ends = rng.uniform((0, 0), (3000, 2000), (int(rng.integers(0, 4)), 2, 2))
        places.note(f"{n:016x}", tuple(streak(*pair.ravel()) for pair in ends), (0.0, 0.0), 0)
        assert places.known == ()


def test_a_line_that_is_gone_is_forgotten(judge, frame):
    line = streak(945, 100, 944, 480)
    for n in range(6):
        seen(judge, frame, n, line)
    for n in range(6, 6 + REMEMBERED_FRAMES):
        assert not seen(judge, frame, n)
    assert seen(judge, frame, 100, line)


def test_known_lines_outlive_a_restart(judge, frame):
    line = streak(945, 100, 944, 480)
    for n in range(4):
        seen(judge, frame, n, line, shift=(1.5 * n, 0.0))
    state = json.loads(json.dumps(judge.state()))
    again = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert again.all_baselines() == judge.all_baselines()
    assert not seen(again, frame, 5, line, shift=(3.0, 0.0))


def test_the_next_target_of_the_rig_knows_the_sensor_but_not_another_rig(judge, frame):
    line = streak(945, 100, 944, 480)
    for n in range(4):
        seen(judge, frame, n, line)
    assert not seen(judge, frame, 5, line, meta={"target": "NGC 7000"})
    assert seen(judge, frame, 6, line, meta={"camera": "another"})


def test_a_frame_that_is_taken_back_is_not_counted(judge, frame):
    line = streak(945, 100, 944, 480)
    for n in range(3):
        seen(judge, frame, n, line)
    judge.retract(f"{2:016x}")
    assert seen(judge, frame, 3, line)


@pytest.mark.parametrize(
    ("second", "same"),
    [
        ((0, 0, 100, 0), True), ((100, 0, 0, 0), True), ((20, 2, 90, 1), True), ((0, 4, 100, 4), False),
        ((0, -2, 100, 4), False), ((80, 0, 180, 0), False), ((40, 0, 140, 0), True), ((0, 0, 20, 0), False),
        ((0, 0, 30, 0), True), ((0, 0, 0, 0), False), ((50, -50, 50, 50), False),
    ],
)  # fmt: skip
def test_what_one_place_is(second: tuple[float, float, float, float], same: bool):
    assert same_place((0, 0, 100, 0), second, 4.0) is same
    assert same_place(second, (0, 0, 100, 0), 4.0) is same
