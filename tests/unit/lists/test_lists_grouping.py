"""Which frames belong into one stack, and which are not offered for stacking."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from astro_monitor.lists import ListedFrame, write_lists
from astro_monitor.lists.grouping import stacks
from astro_monitor.lists.pointing import Pointing, turned_deg
from astro_monitor.lists.starfield import same_field

PLAIN = "m_31_l_60s_3000x2000"
SIDE_DEG = 2000 * 1.5 / 3600


def row(number: int, **changes) -> ListedFrame:
    given = {
        "file": f"/captures/M 31/{number}.fits", "frame_id": f"{number:016x}", "decision": "keep", "weight": 0.5,
        "target": "M 31", "filter": "L", "exposure_s": 60.0, "width_px": 3000, "height_px": 2000, "seq": number,
        "date_obs_utc": f"2026-03-01T{20 + number // 60:02d}:{number % 60:02d}:00Z", "scale_arcsec_px": 1.5,
        "root": "/captures", "folders": ("captures", "M 31"),
    }  # fmt: skip
    return ListedFrame(**{**given, **changes})


def by_folder(frames, merge=()) -> dict[str, list[int]]:
    return {stack.folder: [frame.seq for frame in stack.frames] for stack in stacks(frames, merge)}


def test_a_dithered_night_with_a_flip_and_a_new_approach_is_one_stack():
    chance = random.Random(1)
    frames = [
        row(n, ra_deg=359.99 + chance.uniform(-0.02, 0.02), dec_deg=41.27 + chance.uniform(-0.02, 0.02),
            angle_deg=12.0 + (180 if n > 20 else 0) + chance.uniform(-0.5, 0.5))
        for n in range(40)
    ]  # fmt: skip
    frames[30:] = [replace(frame, ra_deg=0.05, dec_deg=41.27 + 0.2 * SIDE_DEG) for frame in frames[30:]]
    assert list(by_folder(frames)) == [PLAIN]


def test_the_panels_of_a_mosaic_are_stacks_of_their_own():
    frames = [row(n, ra_deg=10.0, dec_deg=41.0 + (n % 3) * 0.8 * SIDE_DEG) for n in range(9)]
    folders = by_folder(frames)
    assert sorted(folders.values()) == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert folders[PLAIN] == [0, 3, 6]
    assert f"{PLAIN}_ra010.00_dec+41.67" in folders
    assert list(by_folder(frames, ["pointing"])) == [PLAIN]


def test_unknown_pointing_gain_and_offset_fit_anything():
    """Logs of version 0.1 do not contain them; neither do some headers."""
    old = [row(n) for n in range(3)]
    new = [row(n, ra_deg=10.0, dec_deg=41.0, gain=100.0, offset=50.0, camera="ASI2600", telescope="RC8", angle_deg=3.0)
           for n in range(3, 6)]  # fmt: skip
    nought = [row(6, ra_deg=0.0, dec_deg=0.0, gain=100.0)]
    assert list(by_folder([*old, *new, *nought])) == [PLAIN]


@pytest.mark.parametrize(
    ("name", "one", "other", "called"),
    [("gain", 100.0, 200.0, "gain200"), ("offset", 10.0, 50.0, "offset50"), ("camera", "ASI2600", "ASI 294", "asi_294"),
     ("telescope", "RC8", "Newton 200/800", "newton_200_800"), ("angle_deg", 10.0, 100.0, "rot100")],
)  # fmt: skip
def test_rig_gain_offset_and_camera_angle_are_kept_apart(name, one, other, called):
    frames = [row(n, **{name: other if n % 2 else one}) for n in range(6)]
    assert by_folder(frames) == {PLAIN: [0, 2, 4], f"{PLAIN}_{called}": [1, 3, 5]}
    merge = {"camera": "rig", "telescope": "rig", "angle_deg": "angle"}.get(name, name)
    assert list(by_folder(frames, [merge])) == [PLAIN]


def test_a_field_that_turns_slowly_stays_together():
    frames = [row(n, angle_deg=2.0 * n) for n in range(60)]
    assert list(by_folder(frames)) == [PLAIN]


def test_exposures_that_were_measured_are_one_and_filters_may_be_merged():
    frames = [row(1, exposure_s=60.0), row(2, exposure_s=60.013), row(3, exposure_s=59.97), row(4, exposure_s=62.0)]
    assert list(by_folder(frames).values()) == [[1, 2, 3], [4]]
    assert list(by_folder(frames, ["exposure"]).values()) == [[1, 2, 3, 4]]
    frames = [row(1, filter="R"), row(2, filter="G")]
    assert len(by_folder(frames)) == 2
    assert len(by_folder(frames, ["filter"])) == 1


def test_no_frame_that_comes_later_renames_a_stack_or_moves_a_frame():
    """Panels, gains, cameras in any mixture, judged in any order of time."""
    chance = random.Random(7)
    frames = [
        row(n, ra_deg=chance.choice([10.0, 10.6, None]), dec_deg=chance.choice([41.0, 41.6]),
            gain=chance.choice([None, 100.0, 200.0]), angle_deg=chance.choice([None, 5.0, 95.0]),
            target=chance.choice(["M 31", "M/31", "m 31"]), camera=chance.choice(["", "A", "B"]),
            date_obs_utc=f"2026-03-01T20:{chance.randrange(60):02d}:00Z")
        for n in range(120)
    ]  # fmt: skip
    before: dict[int, str] = {}
    for count in range(10, 121, 10):
        shuffled = frames[:count]
        chance.shuffle(shuffled)
        later_folders = {number: folder for folder, numbers in by_folder(shuffled).items() for number in numbers}
        assert before.items() <= later_folders.items()
        before = later_folders
    left = [frame.gone() if frame.seq < 60 else frame for frame in frames]
    later_folders = {number: folder for folder, numbers in by_folder(left).items() for number in numbers}
    assert later_folders == {number: folder for number, folder in before.items() if number >= 60}


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("captures", "M 33", "2024-03-01", "LIGHT"), "m_33"),
        (("captures", "2024-03-01", "Lights", "L", "60s"), "no_target"),
        (("Veil East",), "veil_east"),
        (("astro", "NGC 7000", "Ha_300s", "night 2"), "ngc_7000"),
        (("captures", "2024-03-01_M 31 Panel 2"), "m_31_panel_2"),
        (("captures", "IC 434", "Flaming"), "flaming"),
        (("captures", "日本"), "xcf2abf"),
    ],
)
def test_a_stack_without_a_target_is_called_after_its_folder(place, name):
    (stack,) = stacks([row(1, target="", folders=place)])
    assert stack.folder == f"{name}_l_60s_3000x2000"


def test_frames_without_a_target_in_two_folders_are_two_stacks():
    frames = [row(n, target=" ", folders=("captures", "M 31" if n % 2 else "M 33")) for n in range(4)]
    assert sorted(by_folder(frames)) == ["m_31_l_60s_3000x2000", "m_33_l_60s_3000x2000"]


def test_a_new_name_is_reported_and_files_in_the_old_folder_stay(tmp_path):
    old = tmp_path / "no_target_l_60s_3000x2000"
    (old / "siril" / "lights").mkdir(parents=True)
    (old / "siril" / "result.fit").write_bytes(b"a stack")
    (old / "siril" / "lights" / "light_00001.fit").symlink_to("/captures/M 31/1.fits")
    (old / "frames.csv").write_bytes(b"of version 0.1")
    (tmp_path / "index.json").write_text(json.dumps(
        {"generation": 3, "files": [f"{old.name}/frames.csv", f"{old.name}/siril/lights"]}
    ))  # fmt: skip
    frames = [row(n, target="") for n in (1, 2)]
    for _ in range(2):
        body = write_lists(frames, tmp_path)
        assert f"The stack {old.name} is called {PLAIN} now" in body.notes[0]
    assert [path.name for path in old.rglob("*")] == ["siril", "result.fit"]
    assert (tmp_path / PLAIN / "siril" / "stack.ssf").is_file()


def guide(number: int, **changes) -> ListedFrame:
    given = {"target": "", "filter": "", "exposure_s": 1.5, "width_px": 640, "height_px": 480, "kind": "unknown",
             "file": f"/captures/guide_{number}.fits", "folders": ("captures",)}  # fmt: skip
    return row(number, **given | changes)


@pytest.mark.parametrize(
    "changes",
    [{"program": "PHD2 Guiding 2.6.13", "file": "/captures/a.fits"}, {"file": "/captures/x.fits"},
     {"file": "/captures/x.fits", "kind": "light"},
     {"file": "/captures/x.fits", "width_px": 3000, "height_px": 2000, "camera": "A"},
     {"exposure_s": 60.0, "folders": ("captures", "Snapshots")}, {"kind": "focus", "target": "M 31"},
     {"exposure_s": 60.0, "file": "/captures/2026-03-01_SNAPSHOT_0001.fits", "target": "M 31"}],
)  # fmt: skip
def test_guider_frames_snapshots_and_focus_frames_are_not_offered_with_a_reason(tmp_path, changes):
    lights = [row(n, exposure_s=300.0, camera="B") for n in range(4)]
    body = write_lists([*lights, guide(5, **changes)], tmp_path)
    assert body.kept == 4
    assert [name for name in body.files if name.startswith("m_31_l_300s")]
    apart = [Path(name).parent.name for name in body.files if not name.startswith("m_31_l_300s_3000x2000/")]
    assert {Path(name).name for name in body.files if name.split("/")[0] == apart[0]} == {
        "frames.csv",
        "frames.json",
    }
    (note,) = body.notes
    assert "Not offered for stacking" in note
    assert "review FOLDER FILE --keep" in note
    assert json.loads((tmp_path / apart[0] / "frames.json").read_bytes())["not_offered"] in note


def test_short_lights_of_a_target_or_of_a_night_of_their_own_are_offered():
    lights = [row(n, exposure_s=300.0) for n in range(4)]
    core = [row(n, exposure_s=5.0) for n in range(4, 8)]
    assert all(not stack.not_offered for stack in stacks([*lights, *core]))
    assert all(not stack.not_offered for stack in stacks([guide(n, file=f"/c/{n}.fits") for n in range(4)]))
    for kind in ("light", "unknown"):  # SharpCap writes neither type nor target
        whole = [guide(n, file=f"/c/{n}.fits", kind=kind, width_px=3000, height_px=2000) for n in range(8, 12)]
        assert all(not stack.not_offered for stack in stacks([*lights, *whole]))


def test_a_frame_that_was_kept_by_hand_is_offered():
    lights = [row(n, exposure_s=300.0) for n in range(4)]
    kept_frame = guide(5, by_hand=True)
    assert all(not stack.not_offered for stack in stacks([*lights, kept_frame]))


def test_angles_on_the_sky_and_on_the_sensor():
    assert Pointing(359.9, 0.0).distance_deg(Pointing(0.1, 0.0)) == pytest.approx(0.2)
    assert Pointing(0.0, 89.9).distance_deg(Pointing(180.0, 89.9)) == pytest.approx(0.2)
    assert not Pointing(0.0, 0.0).known
    assert turned_deg(1.0, 179.0) == pytest.approx(2.0)
    assert turned_deg(10.0, 190.0) == pytest.approx(0.0)
    assert turned_deg(0.0, 90.0) == pytest.approx(90.0)


def seen(number: int, sky: list[tuple[float, float]], x_px: float, y_px: float, **changes) -> ListedFrame:
    """A frame that sees a part of a wide sky, its corner at a place of it; a tenth of the stars are lost or new."""
    chance = random.Random(number)
    turned = changes.pop("turned", False)
    stars = [(x - x_px, y - y_px) for x, y in sky if 0 <= x - x_px < 3000 and 0 <= y - y_px < 2000]
    stars = [(x + chance.gauss(0, 0.5), y + chance.gauss(0, 0.5)) for x, y in stars if chance.random() > 0.1]
    if turned:
        stars = [(2999 - x, 1999 - y) for x, y in stars]
    return row(number, stars=tuple(stars[:24]), **changes)


def test_panels_without_coordinates_are_separated_by_their_stars():
    """Two panels that overlap by a fifth, each dithered and flipped; clouds leave some frames without stars."""
    chance = random.Random(3)
    sky = [(chance.uniform(0, 8000), chance.uniform(0, 6000)) for _ in range(260)]
    frames = []
    for number in range(24):
        x_px = 500 + (2400 if number % 2 else 0) + chance.uniform(-40, 40)
        frames.append(seen(number, sky, x_px, 1000 + chance.uniform(-40, 40), turned=number > 12))
    frames[6] = replace(frames[6], stars=frames[6].stars[:5])
    folders = by_folder(frames)
    assert folders == {PLAIN: list(range(0, 24, 2)), f"{PLAIN}_panel2": list(range(1, 24, 2))}
    assert list(by_folder(frames, ["pointing"])) == [PLAIN]


def test_a_dithered_field_without_coordinates_that_turns_slowly_is_one_stack():
    """A mount without a derotator: 0.3 degrees from frame to frame."""
    chance = random.Random(5)
    sky = [(chance.uniform(0, 3000), chance.uniform(0, 2000)) for _ in range(24)]
    frames = []
    for number in range(40):
        turn = number * 0.3 * 3.14159 / 180
        stars = [(1500 + (x - 1500) - turn * (y - 1000), 1000 + (y - 1000) + turn * (x - 1500)) for x, y in sky]
        frames.append(row(number, stars=tuple(stars)))
    assert list(by_folder(frames)) == [PLAIN]


def test_stars_of_two_places_of_the_sky_are_never_taken_for_one():
    chance, wrong = random.Random(11), 0
    for _ in range(200):
        one, other = (tuple((chance.uniform(0, 600), chance.uniform(0, 400)) for _ in range(24)) for _ in range(2))
        wrong += bool(same_field(one, other, 600, 400, 140.0))
    assert wrong == 0
    assert same_field(one, one, 600, 400, 140.0)
    assert same_field(one, other[:5], 600, 400, 140.0) is None
