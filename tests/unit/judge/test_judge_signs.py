"""Warnings about the moon, about something in front of the field, and about a telescope that points elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from astro_monitor.judge.signs import MOST_LETTERS, shown_name

MOONLIT = {"sky_above_pedestal_adu": 6000.0, "sky_adu_s": 100.0, "background_noise_adu": 73.0,
           "moon_altitude_deg": 40.0, "moon_illumination": 0.9, "sun_altitude_deg": -40.0}  # fmt: skip
CLOUD = {"extinction_mag": 0.8, "transparency": 0.48, "cause": "cloud",
         "probabilities": {"background_issue": 0.9, "good": 0.1}}  # fmt: skip
TREE = {"dead_cell_fraction": 0.2}
AWAY = {"matched_star_count": 1.0, "transparency": None, "extinction_mag": None, "offset_px": None,
        "offset_x_px": None, "offset_y_px": None}  # fmt: skip


def changes(judge, frame, plan, start=10):
    return [
        (number, alert.change, alert.kind, alert.severity)
        for number, values in enumerate(plan, start)
        for alert in judge.judge(frame(number, **values))[1]
    ]


def test_a_bright_moon_is_told_once_for_information(settled, frame):
    assert changes(settled, frame, [MOONLIT] * 10) == [(11, "opened", "background", "info")]


def test_what_is_told_about_the_moon_is_that_there_is_nothing_to_repair(settled, frame):
    settled.judge(frame(10, **MOONLIT))
    _, (alert,) = settled.judge(frame(11, **MOONLIT))
    assert alert.sentence.startswith("The moon brightens the sky in 2 of the last 3 frames, light_0010 to light_0011")
    assert alert.cause == "moon"
    assert alert.advice.startswith("Nothing to repair")


def test_cloud_under_the_moon_makes_a_warning_of_it(settled, frame):
    found = changes(settled, frame, [MOONLIT, MOONLIT, {**MOONLIT, **CLOUD}])
    assert found == [(11, "opened", "background", "info"), (12, "updated", "background", "warning")]


def test_something_in_front_of_the_field_is_reported_over_several_frames(settled, frame):
    assert changes(settled, frame, [TREE, {}, {}]) == []
    assert changes(settled, frame, [TREE, TREE, {}, {}], 13) == [
        (14, "opened", "obstruction", "warning"), (16, "closed", "obstruction", "warning"),
    ]  # fmt: skip


@pytest.mark.parametrize(("ra_deg", "expected"), [(10.7, True), (11.5, False)])
def test_another_field_is_reported_unless_the_header_says_it_is_meant(judge, frame, ra_deg, expected):
    for number in range(10):
        judge.judge(frame(number, meta={"ra_deg": 10.7, "dec_deg": 41.3}))
    away = [{**AWAY, "meta": {"ra_deg": ra_deg, "dec_deg": 41.3}}] * 2
    kinds = [kind for _, change, kind, _ in changes(judge, frame, away) if change == "opened"]
    assert ("pointing" in kinds) is expected


def test_a_long_name_is_shown_by_its_end(frame):
    one = frame(1)
    long = replace(one, arrival=replace(one.arrival, path=Path("/night") / f"{'M 31 LIGHT ' * 8}0012.fits"))
    assert shown_name(one) == "light_0001"
    assert len(shown_name(long)) == MOST_LETTERS
    assert shown_name(long).endswith("LIGHT 0012")
