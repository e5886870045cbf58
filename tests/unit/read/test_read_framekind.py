"""Types of frames by headers of many programs, by targets, files and folders; and calibration keywords."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.fitsheader import Header
from astro_monitor.read import SKIPPED_KINDS, Reader
from astro_monitor.read.dialects import read_meta

CAMERA = (("IMAGETYP", "'LIGHT'"), ("SWCREATE", "'N.I.N.A. 3.1.2.9001 (x64)'"), ("OBJECT", "'M 31'"))


def meta(*cards: tuple[str, str], remarks: tuple[str, ...] = ()):
    return read_meta((Header({keyword: (f" {text}",) for keyword, text in cards}, remarks),))


@pytest.mark.parametrize(
    ("keyword", "text", "kind"),
    [
        ("IMGTYPE", "Light", "light"), ("IMAGE-TYP", "DARK", "dark"), ("OBSTYPE", "EXPOSE", "light"),
        ("OBSTYPE", "SKYFLAT", "flat"), ("OBSTYPE", "BIAS", "bias"), ("OBSTYPE", "OBJECT", "light"),
        ("EXPTYPE", "Science", "light"), ("EXPTYPE", "dark", "dark"), ("FRAMETYP", "Flat", "flat"),
        ("DATA-TYP", "DOMEFLAT", "flat"), ("ESO DPR TYPE", "FLAT,SKY", "flat"), ("ESO DPR TYPE", "STD", "light"),
        ("IMAGETYP", "SkyFlat", "flat"), ("IMAGETYP", "DARKFLAT", "dark"), ("IMAGETYP", "DefectMap", "defect_map"),
        ("IMAGETYP", "Bad Pixel Map", "defect_map"), ("IMAGETYP", "twilight flat", "flat"),
        ("IMAGETYP", "SNAPSHOT", "snapshot"), ("IMAGETYP", "Guide", "guide"), ("IMAGETYP", "Focus Frame", "focus"),
        ("IMAGETYP", "AutoFocus", "focus"), ("IMAGETYP", "acquisition", "snapshot"), ("IMAGETYP", "zero", "bias"),
        ("IMAGETYP", "MasterLight", "product"), ("IMAGETYP", "Offset", "bias"), ("IMAGETYP", "flatfield", "flat"),
        ("IMAGETYP", "Dark Current", "dark"), ("IMAGETYP", "Dome Flat R", "flat"),
        ("IMAGETYP", "Flat (Twilight)", "flat"),
        ("FRAME", "Other/Processed", "product"), ("PROCTYPE", "InstCal", "product"), ("ESO PRO CATG", "X", "product"),
    ],
)  # fmt: skip
def test_keywords_of_the_type(keyword: str, text: str, kind: str) -> None:
    frame_meta = meta((keyword, f"'{text}'"))
    assert (frame_meta.kind, frame_meta.sources["kind"]) == (kind, keyword)


def test_picttype_counts() -> None:
    assert [meta(("PICTTYPE", str(n))).kind for n in (1, 2, 3, 4, 9)] == ["light", "bias", "dark", "flat", "unknown"]


def test_a_type_in_lower_case_keywords() -> None:
    import io

    from astro_monitor.fitsheader import scan_hdus

    text = b"".join(card.ljust(80) for card in (
        b"SIMPLE  =                    T", b"BITPIX  = 16", b"NAXIS   = 0", b"imagetyp= 'Dark'", b"END"))  # fmt: skip
    file = io.BytesIO(text.ljust(2880))

    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    assert read_meta((next(iter(scan_hdus(read_at))).header,)).kind == "dark"


@pytest.mark.parametrize(
    ("cards", "remarks", "source", "program"),
    [
        ((("PROGRAM", "'Siril 1.2.1'"),), (), "PROGRAM", "Siril"),
        ((("PROGRAM", "'PixInsight 1.8.9-2'"),), (), "PROGRAM", "PixInsight"),
        ((("CREATOR", "'PixInsight'"),), (), "CREATOR", "PixInsight"),
        ((("XISF:CreatorApplication", "'PixInsight 1.9.3'"),), (), "XISF:CreatorApplication", "PixInsight"),
        ((("XISF:CreatorModule", "'ImageCalibration module version 1.9.9'"),), (), "XISF:CreatorModule", "PixInsight"),
        ((("SOFTWARE", "'DeepSkyStacker 5.1.6'"),), (), "SOFTWARE", "DeepSkyStacker"),
        ((("SOFTWARE", "'Astro Pixel Processor by Aries Productions'"),), (), "SOFTWARE", "Astro Pixel Processor"),
        ((("SWMODIFY", "'ASTAP 2024.01'"),), (), "SWMODIFY", "ASTAP"),
        ((), ("1  Written by Astrometric Stacking Program. www.hnsky.org",), "HISTORY", "ASTAP"),
        ((), ("1   Calibrated & aligned by ASTAP. www.hnsky.org",), "HISTORY", "ASTAP"),
        ((), ("Processed with Siril",), "HISTORY", "Siril"),
        ((), ("Integration with ImageIntegration process",), "HISTORY", "PixInsight"),
        ((("SOFTWARE", "'astropy ccdproc 2.4'"),), (), "SOFTWARE", "astropy"),
        ((("FLAT_CORRECT", "'flatcor'"), ("FLATCOR", "'ccd=<CCDData>'")), (), "FLAT_CORRECT", "N.I.N.A."),
        ((("FLATCOR", "'Jun  9 10:33 Flat field image is flat with scale=1234.'"),), (), "FLATCOR", "N.I.N.A."),
        ((("CCDPROC", "'Jun  9 10:33 CCD processing done'"),), (), "CCDPROC", "N.I.N.A."),
        ((("STACKCNT", "12"),), (), "STACKCNT", "N.I.N.A."),
        ((("NUMFRAME", "140"),), (), "NUMFRAME", "N.I.N.A."),
        ((("LIGH_CNT", "30"),), (), "LIGH_CNT", "N.I.N.A."),
        ((("CALSTAT", "'BDF'"),), (), "CALSTAT", "N.I.N.A."),
        ((("CALSTAT", "'bias dark flat'"),), (), "CALSTAT", "N.I.N.A."),
        ((), ("Image registered to reference frame",), "HISTORY", "N.I.N.A."),
        ((), ("Median combined of 12 frames",), "HISTORY", "N.I.N.A."),
        ((), ("Frames aligned on stars",), "HISTORY", "N.I.N.A."),
        ((), ("Calibrated with astropy 6.0",), "HISTORY", "astropy"),
        ((), ("average of 12 exposures",), "HISTORY", "N.I.N.A."),
    ],
)  # fmt: skip
def test_the_mark_of_a_processor_wins(cards, remarks, source: str, program: str) -> None:
    frame_meta = meta(*CAMERA, *cards, remarks=remarks)
    assert (frame_meta.kind, frame_meta.sources["kind"], frame_meta.program) == ("product", source, program)


@pytest.mark.parametrize(
    ("cards", "remarks"),
    [
        ((("SWMODIFY", "'MaxIm DL Version 5.23'"),), ()),
        ((("STACKCNT", "1"), ("NCOMBINE", "1"), ("SNAPSHOT", "1")), ()),
        ((("PLTSOLVD", "T / ASTAP from hnsky.org"),), ("7  Solved in 0.5 sec. Offset was 0.3 deg.",)),
        ((), ("Original key: EQUINOX", "FITS (Flexible Image Transport System) format is defined in 'Astronomy")),
        ((), ("image was not stacked",)),
        ((), ("This software is registered to John Doe", "Polar aligned with SharpCap", "average of 3 sensors")),
        ((), ("File was processed by PinPoint 5.1.8 at 2018-07-04T14:08:45", "WCS created by AIJ link")),
        ((("CALSTAT", "'BD'"),), ()),
        ((("CALSTAT", "'Bias, Dark'"),), ()),
        ((("FLATCORR", "T"), ("BIASCORR", "T")), ()),
        ((("FLATCOR", "F"), ("CCDPROC", "F")), ()),
        ((("ORIGIN", "'NOAO-IRAF FITS Image Kernel July 2003'"),), ()),
        ((("PROGRAM", "'4.27'"), ("PRODUCER", "'ZWO'")), ()),
    ],
)
def test_what_is_no_mark_of_a_processor(cards, remarks) -> None:
    assert meta(*CAMERA, *cards, remarks=remarks).kind == "light"


def test_the_shape_of_a_master_wins_over_its_camera() -> None:
    assert meta(("IMAGETYP", "'Light'"), ("XISF:imageType", "'MasterLight'")).kind == "product"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("FlatWizard", "flat"), ("FlatDither00", "flat"), ("sky flat 3", "flat"), ("Dark", "dark"), ("darks", "dark"),
        ("Bias", "bias"), ("dome-flat", "flat"), ("flat dark", "dark"), ("Auto Focus", "focus"), ("bad pixel map",
        "defect_map"), ("M 31", "light"), ("Dark Doodad", "light"), ("Flaming Star", "light"), ("Horsehead", "light"),
        ("Dark Shark Nebula", "light"), ("Zeta Oph", "light"), ("Focus", "light"), ("B 33 dark nebula", "light"),
    ],
)  # fmt: skip
def test_names_that_no_target_has(name: str, kind: str) -> None:
    assert meta(("IMAGETYP", "'Light Frame'"), ("OBJECT", f"'{name}'")).kind == kind


@pytest.mark.parametrize(
    "cards",
    [(("CREATOR", "'PHD2 Guiding 2.6.13'"),), (("PHDPROFI", "'Guide'"), ("PHDLOCKX", "320.2")),
     (("SWCREATE", "'PHD2'"), ("IMAGETYP", "'Light'")), (("SOFTWARE", "'MetaGuide 5.4'"),)],
)  # fmt: skip
def test_frames_of_guiding_programs(cards) -> None:
    assert meta(*cards).kind == "guide"


def test_a_dark_of_the_guider_is_a_dark() -> None:
    assert meta(("CREATOR", "'PHD2 Guiding 2.6.13'"), ("IMAGETYP", "'DARK'")).kind == "dark"


def test_the_guide_camera_of_a_light_makes_no_guide_frame() -> None:
    assert meta(("CREATOR", "'ZWO ASIAIR Plus'"), ("IMAGETYP", "'Light'"), ("GUIDECAM", "'ASI120'")).kind == "light"


@pytest.mark.parametrize(
    ("place", "typed", "kind"),
    [
        ("guide_0001.fits", "Light", "guide"), ("phd2/frame_1.fits", "Light", "guide"),
        ("a/Guider/x.fits", "", "guide"),
        ("M31/AutoFocus/1.fits", "LIGHT", "focus"), ("autofocus_12.fits", "LIGHT", "focus"),
        ("focus_12.fits", "LIGHT", "light"), ("focus_12.fits", "", "focus"), ("Focus/12.fits", "LIGHT", "focus"),
        ("2024-03-01_SNAPSHOT_3.fits", "LIGHT", "snapshot"), ("Snapshots/3.fits", "LIGHT", "snapshot"),
        ("Preview_M42_10.0s_Bin1.fits", "Light", "snapshot"), ("Preview/x.fits", "", "snapshot"),
        ("darks/x.fits", "", "dark"), ("darks/x.fits", "LIGHT", "light"), ("Dark_60s_Bin1_0018.fits", "", "dark"),
        ("calibration/Bias/x.fits", "", "bias"), ("flat_001.fits", "", "flat"), ("SkyFlats/x.fits", "", "flat"),
        ("pp_light_00001.fits", "Light", "product"), ("r_pp_light_00001.fits", "Light", "product"),
        ("PP_Vir_60s_001.fits", "Light", "light"), ("pp_m31_001.fits", "Light", "product"),
        ("AutoSave Image -0003.fit", "Light", "light"), ("Autosave001.fits", "", "product"),
        ("Stacked_133_M 94_10.0s.fits", "Light", "product"), ("masterDark_60s.fits", "", "product"),
        ("M31_0042_c_cc_d_r.fits", "Light", "product"), ("M31_0042_r.fits", "Light", "light"),
        ("dark_nebula_001.fits", "", "unknown"), ("flatiron_1.fits", "", "unknown"), ("test/x.fits", "Light", "light"),
        ("focus_run_c8/x.fits", "LIGHT", "light"), ("lights/M31_0001.fits", "", "unknown"),
        ("guiding star field.fits", "Dark", "dark"), ("guidestone.fits", "", "unknown"),
    ],
)  # fmt: skip
def test_files_and_folders_give_the_type_that_the_header_lacks(
    tmp_path, arrive, place: str, typed: str, kind: str
) -> None:
    from dataclasses import replace

    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    header = fits.Header()
    if typed:
        header["IMAGETYP"] = typed
    fits.PrimaryHDU(np.full((64, 64), 1000, np.uint16), header).writeto(path)
    opened = Reader().open(replace(arrive(path), root=tmp_path))
    assert opened.meta.kind == kind
    assert ("kind" in opened.meta.sources) == (kind != "unknown")


def test_the_watched_folder_itself_does_not_count(tmp_path, arrive) -> None:
    folder = tmp_path / "autofocus"
    folder.mkdir()
    fits.PrimaryHDU(np.full((64, 64), 1000, np.uint16)).writeto(folder / "x.fits")
    assert Reader().open(arrive(Path(folder / "x.fits"))).meta.kind == "unknown"


def test_only_lights_and_unknown_frames_are_graded() -> None:
    assert set(SKIPPED_KINDS) == {"dark", "flat", "bias", "product", "guide", "focus", "snapshot", "defect_map"}


@pytest.mark.parametrize(
    ("cards", "remarks", "pedestal"),
    [
        ((("CALSTAT", "'BD'"),), (), 0.0), ((("CALSTAT", "'D'"),), (), 0.0), ((("CALSTAT", "'BDF'"),), (), 0.0),
        ((("CALIBRAT", "T"),), (), 0.0), ((("CALIBRAT", "'BDF'"),), (), 0.0), ((("CALIBRAT", "F"),), (), None),
        ((("BIASCORR", "T"), ("DARKCORR", "T"), ("FLATCORR", "T")), (), 0.0), ((("FLATCORR", "T"),), (), None),
        ((("BIASCORR", "'COMPLETE'"),), (), 0.0), ((("BIASCORR", "'PERFORM'"),), (), None),
        ((("ZEROCOR", "'Jun 9 10:33 Zero level correction image is Zero'"),), (), 0.0),
        ((("L1STATBI", "1"), ("L1STATDA", "1"), ("L1STATFL", "1")), (), 0.0), ((("L1STATBI", "0"),), (), None),
        ((), ("Bias Subtraction; Dark Subtraction",), 0.0), ((), ("Dark subtracted",), 0.0),
        ((), ("Calibrated with a master bias, dark and flat",), 0.0), ((), ("no dark subtraction",), None),
        ((), ("Dark Subtraction(Dark 8, 3326x2504, Bin1 x 1, Temp -20C, Exp Time 120s)",), 0.0),
        ((), ("Flat field divided",), None), ((), ("The sky was dark",), None),
        ((("CALSTAT", "'Bias, Dark'"),), (), 0.0), ((("CALSTAT", "'B D'"),), (), 0.0),
        ((("CALSTAT", "'none'"),), (), None), ((), ("Filter offset applied to the focuser",), None),
        ((), ("Zero level subtracted with zero.fits",), 0.0), ((), ("zero point corrected",), None),
        ((("CALSTAT", "'BD'"), ("PEDESTAL", "-100")), (), 100.0), ((("CALSTAT", "'F'"),), (), None),
        ((("SOFTBIAS", "1000"), ("BIASCORR", "T")), (), 1000.0),
        ((("BIASADU", "240"),), (), 240.0), ((("BIASADU", "240"), ("CALSTAT", "'B'")), (), 0.0), ((), (), None),
    ],
)  # fmt: skip
def test_calibrated_frames_have_no_pedestal(cards, remarks, pedestal: float | None) -> None:
    assert meta(*CAMERA, *cards, remarks=remarks).pedestal_adu == pedestal


@pytest.mark.parametrize(
    ("exposure", "kind"), [("0.", "bias"), ("1E-32", "bias"), ("0.000032", "dark"), ("60.", "dark")]
)
def test_a_dark_without_exposure_is_a_bias(exposure: str, kind: str) -> None:
    frame_meta = meta(("IMAGETYP", "'Dark Frame'"), ("EXPTIME", exposure))
    assert frame_meta.kind == kind
    assert frame_meta.sources["kind"].startswith("IMAGETYP")


def test_a_dark_of_unknown_exposure_stays_a_dark() -> None:
    assert meta(("IMAGETYP", "'Dark Frame'")).kind == "dark"
