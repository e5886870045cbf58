"""Weights belong to the whole list: its best frames count 1, whatever came first."""

from __future__ import annotations

import csv
import io

import pytest

from astro_monitor.lists import ListedFrame, stacks, weighed, write_lists
from astro_monitor.lists.weighing import LEAST_WEIGHT


def row(number: int, decision: str = "keep", **changes) -> ListedFrame:
    given = {
        "file": f"/capture/light {number:03d}.fits", "frame_id": f"{number:016x}", "decision": decision,
        "weight": 0.8 if decision == "keep" else 0.0, "target": "M 31", "filter": "L", "exposure_s": 60.0,
        "width_px": 3000, "height_px": 2000, "date_obs_utc": f"2026-03-01T20:{number:02d}:00Z", "seq": number,
        "numbers": {"fwhm_px": 2.5}, "star_light_adu_s": 400.0, "noise_adu": 10.0,
    }  # fmt: skip
    return ListedFrame(**{**given, **changes})


def weights(*frames: ListedFrame, min_weight: float = 0.0, merge: tuple = ()) -> list[float]:
    (stack,) = stacks(frames, merge)
    return [frame.weight for frame in weighed(stack, min_weight, merge).frames]


def night(count: int = 20) -> list[ListedFrame]:
    return [row(number) for number in range(count)]


def test_equal_frames_weigh_one() -> None:
    assert weights(*night()) == [1.0] * 20


@pytest.mark.parametrize("hazy_first", [True, False])
def test_a_hazy_part_weighs_less_than_the_clear_rest_whatever_came_first(hazy_first) -> None:
    hazy = range(8) if hazy_first else range(12, 20)
    found = weights(*(row(number, star_light_adu_s=200.0 if number in hazy else 400.0) for number in range(20)))
    assert [found[number] for number in hazy] == pytest.approx([0.25] * 8)
    assert max(found) == 1.0


def test_dark_frames_weigh_as_much_more_as_the_moon_brightened_the_sky() -> None:
    """The variance of the sky is what counts, 8 times more of it before the moon has set."""
    found = weights(*(row(number, noise_adu=10.0 * (8.0**0.5 if number < 12 else 1.0)) for number in range(24)))
    assert found == pytest.approx([0.125] * 12 + [1.0] * 12, abs=1e-4)


def test_wide_stars_lower_the_weight_by_their_area() -> None:
    assert weights(*night(), row(20, numbers={"fwhm_px": 5.0}))[-1] == pytest.approx(0.25)


def test_the_unit_of_the_pixels_does_not_matter() -> None:
    """The same night, half of it as fractions of full scale."""
    small = 1 / 65535
    scaled = [row(number, star_light_adu_s=400.0 * small, noise_adu=10.0 * small) for number in range(10, 20)]
    assert weights(*night(10), *scaled) == pytest.approx([1.0] * 20)


def test_one_lucky_measurement_does_not_make_all_others_worse() -> None:
    assert weights(*night(), row(20, star_light_adu_s=700.0))[:20] == [1.0] * 20


def test_a_longer_exposure_weighs_more_and_the_short_one_is_not_worse() -> None:
    """Ten times the light, √10 times the noise: ten times the weight; no reason to look at the short frames."""
    long = [row(number, exposure_s=600.0, noise_adu=10.0 * 10**0.5) for number in range(10, 20)]
    found = weights(*night(10), *long, merge=("exposure",), min_weight=0.2)
    assert found == pytest.approx([0.1] * 10 + [1.0] * 10)


def test_frames_of_other_filters_are_not_compared() -> None:
    narrow = [row(number, filter="Ha", star_light_adu_s=9.0, noise_adu=2.0) for number in range(10, 20)]
    assert weights(*night(10), *narrow, merge=("filter",)) == [1.0] * 20


def test_panels_of_a_mosaic_are_compared_by_their_own_starlight() -> None:
    clear, hazy = {"fwhm_px": 2.5, "extinction_mag": 0.0}, {"fwhm_px": 2.5, "extinction_mag": 0.7526}
    first = [row(number, ra_deg=10.0, dec_deg=41.0, numbers=clear) for number in range(8)]
    second = [row(number, ra_deg=12.0, dec_deg=41.0, star_light_adu_s=90.0, numbers=clear) for number in range(8, 16)]
    dim = row(16, ra_deg=12.0, dec_deg=41.0, star_light_adu_s=45.0, numbers=hazy)
    assert weights(*first, *second, dim, merge=("pointing",)) == pytest.approx([1.0] * 16 + [0.25], abs=1e-3)


def test_frames_of_an_older_version_are_weighed_by_what_they_have() -> None:
    old = {"star_light_adu_s": None, "noise_adu": None}
    dim = row(9, numbers={"fwhm_px": 2.5, "extinction_mag": 0.7526}, **old)
    rest = [row(number, numbers={"fwhm_px": 2.5, "extinction_mag": 0.0}, **old) for number in range(9)]
    assert weights(*rest, dim) == pytest.approx([1.0] * 9 + [0.25], abs=1e-3)
    assert weights(*night(9), row(9, numbers={}, **old))[-1] == 0.8
    assert weights(*night(9), row(9, numbers={}, star_light_adu_s=200.0, noise_adu=None))[-1] == pytest.approx(0.25)


def test_what_a_plugin_says_holds_in_the_list() -> None:
    assert weights(*night(), row(20, weight_factor=0.5))[-1] == pytest.approx(0.5)


def test_only_kept_frames_have_a_weight_and_it_is_never_nought() -> None:
    cloudy = row(22, star_light_adu_s=1.0)
    assert weights(*night(), row(20, "reject"), row(21, "review"), cloudy)[20:] == [0.0, 0.0, LEAST_WEIGHT]


def test_frames_below_the_least_weight_are_listed_for_review_unless_kept_by_hand(tmp_path) -> None:
    moonlit = {"noise_adu": 10.0 * 20**0.5}
    body = write_lists([*night(), row(20, **moonlit), row(21, by_hand=True, **moonlit)], tmp_path, min_weight=0.1)
    assert (body.kept, body.review) == (21, 1)
    (table,) = tmp_path.rglob("frames.csv")
    lines = list(csv.DictReader(io.StringIO(table.read_text("utf-8"), newline="")))
    assert [(line["decision"], line["weight"]) for line in lines[20:]] == [("review", "0.0"), ("keep", "0.05")]
    assert lines[20]["reasons"].startswith("It would count 0.05 of the best frames of its list, less than")
    assert "light 020" not in next(tmp_path.rglob("accepted.txt")).read_text("utf-8")
