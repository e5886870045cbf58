"""Which darks, flats and biases fit a stack, and the scripts that use them."""

from __future__ import annotations

import pytest

from astro_monitor.documents import MetaView
from astro_monitor.lists import ListedFrame, ListedNotLight, write_lists
from astro_monitor.lists.calibration import Calibration, Part, calibration_for
from astro_monitor.lists.grouping import Stack, stacks
from astro_monitor.lists.siril import siril_ending, siril_script

PLAIN = "m_31_l_300s_3000x2000"
RIG = {"width_px": 3000, "height_px": 2000, "camera": "ASI 2600", "gain": 100.0, "offset": 50.0, "binning": 1}


def light(number: int, **changes) -> ListedFrame:
    given = {
        "file": f"/c/light {number}.fits", "frame_id": f"{number:016x}", "decision": "keep", "weight": 1.0,
        "target": "M 31", "filter": "L", "exposure_s": 300.0, "sensor_temp_c": -10.0, "telescope": "RC8", "seq": number,
        "date_obs_utc": f"2026-03-01T20:{number:02d}:00.000Z", **RIG,
    }  # fmt: skip
    return ListedFrame(**{**given, **changes})


def other(kind: str, number: int, name: str = "", **meta) -> ListedNotLight:
    facts = {"dark": {"exposure_s": 300.0, "sensor_temp_c": -9.5}, "flat": {"filter": "l", "exposure_s": 2.0},
             "bias": {}, "product": {}}[kind]  # fmt: skip
    date = {"date_obs_utc": f"2026-03-02T05:{number:02d}:00.000Z"}
    return ListedNotLight(file=f"/c/{name or f'{kind} {number}.fits'}", frame_id=f"{kind}{number}{name}", type=kind,
                    keyword="IMAGETYP", why="", seq=50 + number,
                    meta=MetaView.of({"kind": kind, **RIG, **facts, **date, **meta}))  # fmt: skip


def stack() -> Stack:
    (stack_made,) = stacks([light(number) for number in range(4)])
    return stack_made


def chosen(*files: ListedNotLight) -> Calibration:
    return calibration_for(stack(), files, siril_ending)


def three(kind: str, **meta) -> list[ListedNotLight]:
    return [other(kind, number, **meta) for number in range(3)]


def test_single_frames_of_the_same_camera_gain_and_exposure_fit():
    calibration = chosen(*three("dark"), *three("flat"), *three("bias"))
    assert [
        len(part.paths) for part in (calibration.dark, calibration.flat, calibration.bias, calibration.flat_dark)
    ] == [3, 3, 3, 0]
    assert calibration.comment == "Calibrated with 3 darks, 3 flats, 3 biases of the same camera and gain."


@pytest.mark.parametrize(
    ("kind", "meta"),
    [("dark", {"gain": 200.0}), ("dark", {"gain": None}), ("dark", {"exposure_s": 120.0}),
     ("dark", {"exposure_s": None}),
     ("dark", {"camera": "ASI 294"}), ("dark", {"sensor_temp_c": 5.0}), ("dark", {"offset": 10.0}),
     ("dark", {"binning": 2}), ("dark", {"width_px": 1500}), ("flat", {"filter": "Ha"}), ("flat", {"telescope": "FSQ"}),
     ("flat", {"gain": 0.0}), ("bias", {"gain": 0.0}), ("bias", {"height_px": 1000})],
)  # fmt: skip
def test_frames_that_do_not_fit_are_left_out(kind, meta):
    assert not chosen(*three(kind, **meta))


@pytest.mark.parametrize(
    "meta",
    [{"camera": None}, {"sensor_temp_c": None}, {"offset": None}, {"camera": " asi  2600"}, {"exposure_s": 300.4}],
)
def test_a_value_missing_from_a_header_is_no_difference(meta):
    assert len(chosen(*three("dark", **meta)).dark.paths) == 3


@pytest.mark.parametrize(
    ("name", "meta", "part"),
    [("masterDark_BIN-1_300s.fits", {"exposure_s": 300.0}, "dark"), ("dark_stacked.fit", {"exposure_s": 300.0}, "dark"),
     ("x.fits", {"exposure_s": 300.0, "frame_type": "Master Dark"}, "dark"),
     ("MasterFlat_L.fits", {"filter": "L"}, "flat"),
     ("pp_flat_stacked.fit", {"filter": "L", "gain": None}, "flat"), ("master_bias.fit", {}, "bias"),
     ("superbias.fits", {}, "bias"), ("y.fits", {"filter": "L", "frame_type": "master_flat"}, "flat")],
)  # fmt: skip
def test_a_master_goes_before_single_frames(name, meta, part):
    kind = part
    calibration = getattr(chosen(*three(kind), other("product", 9, name, **meta)), part)
    assert calibration == Part((f"/c/{name}",), is_master=True)


@pytest.mark.parametrize(
    ("name", "meta"),
    [("Dark Shark nebula stacked.fit", {}), ("result.fit", {}),
     ("masterLight_L_300s.fits", {"frame_type": "Master Light"}),
     ("masterDark_300s.xisf", {}), ("masterDark_60s.fits", {"exposure_s": 60.0})],
)  # fmt: skip
def test_other_products_are_no_masters(name, meta):
    assert not chosen(other("product", 9, name, **{"exposure_s": 300.0, "filter": "L", **meta}))


def test_flats_of_the_nearest_session_and_darks_of_their_exposure_are_taken():
    old = [other("flat", n, f"old {n}.fits", date_obs_utc=f"2026-02-01T05:0{n}:00Z") for n in range(5)]
    flat_darks = [other("dark", n, f"fd {n}.fits", exposure_s=2.0) for n in range(2)]
    calibration = chosen(*old, *three("flat"), *flat_darks, *three("bias"))
    assert calibration.flat.paths == tuple(f"/c/flat {n}.fits" for n in range(3))
    assert calibration.flat_dark.paths == ("/c/fd 0.fits", "/c/fd 1.fits")
    assert not calibration.dark
    assert "No darks that fit were found." in calibration.comment


def test_one_dark_is_no_master():
    assert not chosen(other("dark", 1))


LINKS = {"light_00001.fit": "/a", "light_00002.fit": "/b"}


def commands(calibration: Calibration, **how) -> list[str]:
    return siril_script(LINKS, how.pop("colour", False), calibration=calibration, **how).decode("ascii").splitlines()


def test_scripts_calibrate_by_the_commands_of_each_siril():
    used = Calibration(dark=Part(("/d1.fits", "/d2.fits")), flat=Part(("/f.fits",), is_master=True))
    old = commands(used)
    assert "stack dark rej 3 3 -nonorm -out=master_dark" in old
    assert "preprocess light -dark=master_dark -flat=../flats/flat_00001.fit" in old
    later = commands(used, two_pass=True, colour=True)
    wanted = "calibrate light -dark=master_dark -flat=../flats/flat_00001.fit -cc=dark -cfa -equalize_cfa -debayer"
    assert wanted in later
    assert "register pp_light -2pass" in later
    assert "stack r_pp_light rej 3 3 -norm=addscale -out=../result" in later


def test_a_bias_is_used_where_there_is_no_dark_and_for_flats():
    bias = Part(("/b1.fits", "/b2.fits"))
    assert "preprocess light -bias=master_bias" in commands(Calibration(bias=bias))
    flats = commands(Calibration(bias=bias, flat=Part(("/f1.fit", "/f2.fit"))))
    assert flats.index("preprocess flat -bias=master_bias") < flats.index(
        "stack pp_flat rej 3 3 -norm=mul -out=master_flat"
    )
    assert not chosen(*three("dark"), *three("bias")).bias


@pytest.mark.parametrize(
    ("installed", "weight", "two_pass_weight"),
    [(None, "", ""), ((1, 0), " -weighted", ""), ((1, 2), " -weight_from_wfwhm", " -weight_from_wfwhm"),
     ((1, 4), " -weight=wfwhm", " -weight=wfwhm")],
)  # fmt: skip
def test_stacks_are_weighted_by_the_option_of_the_installed_siril(installed, weight, two_pass_weight):
    for two_pass, wanted in ((False, weight), (True, two_pass_weight)):
        lines = commands(Calibration(), installed=installed, two_pass=two_pass)
        assert f"stack r_light rej 3 3 -norm=addscale{wanted} -out=../result" in lines


def test_calibration_frames_are_linked_and_leave_with_their_files(tmp_path):
    lights = [light(number) for number in range(4)]
    write_lists(lights, tmp_path, not_lights=[*three("dark"), *three("bias")])
    siril = tmp_path / PLAIN / "siril"
    assert [str(path.readlink()) for path in sorted((siril / "darks").iterdir())] == [
        f"/c/dark {n}.fits" for n in range(3)
    ]
    assert "preprocess light -dark=master_dark" in (siril / "stack.ssf").read_text()
    (siril / "darks" / "mine.fit").write_bytes(b"mine")
    body = write_lists(lights, tmp_path)
    assert "Not calibrated" in (siril / "stack.ssf").read_text()
    assert [path.name for path in (siril / "darks").iterdir()] == ["mine.fit"]
    assert not (siril / "biases").exists()
    assert f"{PLAIN}/siril/darks" not in body.files
