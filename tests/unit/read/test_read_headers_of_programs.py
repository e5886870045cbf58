"""Headers after those of many programs: lights stay lights, what was only solved too, and values in odd spellings."""

from __future__ import annotations

import io

import pytest
from astropy.io import fits

from astro_monitor.fitsheader import scan_hdus
from astro_monitor.read.dialects import read_meta
from astro_monitor.records import FrameMeta

Cards = dict[str, object]

CAMERA: Cards = {
    "BITPIX": 16, "IMAGETYP": "LIGHT", "EXPTIME": 60.0, "DATE-OBS": "2026-03-01T22:12:14.12", "FILTER": "Ha",
    "OBJECT": "NGC 7000", "SWCREATE": "N.I.N.A. 3.1.2.9001 (x64)",
}  # fmt: skip
SOLVED: Cards = {"PLTSOLVD": (True, "ASTAP from hnsky.org"), "CTYPE1": "RA---TAN", "CD1_1": 0.0004}


def meta(cards: Cards, *remarks: str) -> FrameMeta:
    """Return what the reader makes of a header that astropy wrote."""
    header = fits.Header({"SIMPLE": True, "BITPIX": 16, "NAXIS": 0})
    for keyword, value in cards.items():
        header[keyword if len(keyword) <= 8 else f"HIERARCH {keyword}"] = value
    for remark in remarks:
        header.add_history(remark)
    file = io.BytesIO(header.tostring().encode("ascii"))

    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    return read_meta((next(iter(scan_hdus(read_at))).header,))


@pytest.mark.parametrize(
    ("cards", "remarks"),
    [
        ({**SOLVED, "PROGRAM": "ASTAP"}, ()), ({**SOLVED, "SWMODIFY": "ASTAP 2025.01"}, ("7  Solved in 0.5 sec.",)),
        ({"LIGH_CNT": 1}, ()), ({"STACKCNT": 1, "NCOMBINE": 1, "SNAPSHOT": 1, "NUMFRAME": 1}, ()),
        ({"NUMFRAME": (140, "number of frames in sequence")}, ()), ({"SUBEXP": (60.0, "[s] sub exposure time")}, ()),
        ({}, ("Created by the Astrometry.net suite.", "Image aligned to Gaia DR3 catalogue")),
        ({}, ("Image aligned to north up", "camera aligned with RA axis", "average of 1 frames", "Stacked: 1 of 1")),
        ({}, ("Frames can be stacked with Siril or DeepSkyStacker", "Open with PixInsight, Siril or ASTAP")),
        ({}, ("File was processed by PinPoint 6.1.2 at 2026-03-02T01:00:00", "Matched 53 stars from the catalog")),
        ({"SOFTWARE": "APT + MGEN dithering"}, ()), ({"SOFTWARE": "astropy.io.fits 6.0"}, ()),
        ({"PROGRAM": "pyobs (astropy 6.0.1)"}, ()), ({"DATATYPE": "unprocessed"}, ()),
        ({"PRODTYPE": "uncalibrated image"}, ()), ({"OBJTYPE": "dark cloud"}, ()), ({"FILTER": "Dark"}, ()),
        ({"IMAGETYP": "Light Frame (dark subtracted)"}, ()), ({"IMAGETYP": "Light Frame 1"}, ()),
        ({"OBJECT": "Flat Top Nebula"}, ()), ({"OBJECT": "Guide star cluster"}, ()), ({"OBJECT": "Dark Tower"}, ()),
        ({"OBJECT": "Master of the Universe"}, ()), ({"OBJECT": "Bias field"}, ()), ({"OBJECT": "Stack 23"}, ()),
    ],
)  # fmt: skip
def test_lights_stay_lights(cards: Cards, remarks: tuple[str, ...]) -> None:
    assert meta({**CAMERA, **cards}, *remarks).kind == "light"


@pytest.mark.parametrize(
    ("cards", "remarks"),
    [
        ({**SOLVED, "PROGRAM": "ASTAP", "BITPIX": -32}, ()), ({"PROGRAM": "ASTAP"}, ()),
        ({**SOLVED, "LIGH_CNT": 12}, ()), ({**SOLVED, "CALSTAT": "DF"}, ("1   Calibrated by ASTAP. www.hnsky.org",)),
        ({}, ("Frames aligned with WCS",)), ({}, ("Aligned to Gaia catalogue and stacked: 12 images",)),
        ({"NUMFRAME": (30, "# number of frames used in MasterFlat creation")}, ()), ({"SNAPSHOT": 12}, ()),
        ({"SOFTWARE": "astropy 6.0"}, ()), ({"PROGRAM": "Python 3.11 / astropy"}, ()),
        ({"PRODTYPE": "preprocessed"}, ()), ({}, ("average of 11 frames",)),
    ],
)  # fmt: skip
def test_products_stay_products(cards: Cards, remarks: tuple[str, ...]) -> None:
    assert meta({**CAMERA, **cards}, *remarks).kind == "product"


@pytest.mark.parametrize(
    ("cards", "kind"),
    [
        ({"IMAGETYP": "Objet"}, "light"), ({"IMAGETYP": "Objekt"}, "light"), ({"IMAGETYP": "Luz"}, "light"),
        ({"IMAGETYP": "Dunkelbild"}, "dark"), ({"IMAGETYP": "Flat Light Box"}, "flat"),
        ({"ESO DPR TYPE": "OBJECT", "ESO DPR CATG": "ACQUISITION"}, "snapshot"),
        ({"ESO DPR TYPE": "OBJECT", "ESO DPR CATG": "SCIENCE"}, "light"),
        ({"CREATOR": "phd2 2.6.11 [Windows]"}, "guide"), ({"SOFTWARE": "Lacerta MGEN"}, "guide"),
    ],
)  # fmt: skip
def test_types_of_other_programs_and_languages(cards: Cards, kind: str) -> None:
    assert meta(cards).kind == kind


@pytest.mark.parametrize(
    ("remarks", "pedestal"),
    [
        (("Dark subtraction: None",), None), (("Dark subtraction disabled", "Bias correction: off"), None),
        (("Dark frame to be subtracted later",), None), (("20 darks available for calibration",), None),
        (("reduced noise in dark mode",), None), (("SQM calibrated 21.3 dark sky",), None),
        (("Observed from a dark site with calibrated photometer",), None), (("Dark current subtracted",), 0.0),
        (("Dark subtraction: dark_30s.fits",), 0.0), (("Overscan corrected",), 0.0),
    ],
)  # fmt: skip
def test_what_remarks_say_about_darks(remarks: tuple[str, ...], pedestal: float | None) -> None:
    assert meta(CAMERA, *remarks).pedestal_adu == pedestal


@pytest.mark.parametrize(
    ("cards", "pedestal"),
    [({"DARKSUB": "OFF"}, None), ({"DARKSUB": "ON"}, 0.0), ({"DARKCORR": "PENDING"}, None)],
)
def test_switches_of_calibration(cards: Cards, pedestal: float | None) -> None:
    assert meta({**CAMERA, **cards}).pedestal_adu == pedestal


@pytest.mark.parametrize(
    ("cards", "exposure_s"),
    [
        ({"EXPTIME": "00:05:00"}, 300.0), ({"EXPTIME": "5m0s"}, 300.0), ({"EXPTIME_MS": 60000}, 60.0),
        ({"EXPOSURETIME": 60.0}, 60.0), ({"EXP_SEC": 60}, 60.0), ({"SHUTTIME": 60.0}, 60.0),
        ({"EXPTIME": (60.0, "shutter latency 5 ms")}, 60.0), ({"EXPTIME": (60.0, "exposure, s; least 1 ms")}, 60.0),
        ({"EXPTIME": (60000.0, "duration in ms")}, 60.0), ({"INTEGRAT": "Integration", "EXPTIME": 900.0}, 900.0),
        ({"EXP": (15.0, "[s] Sub Exposure Time")}, 15.0), ({"EXP": (15, "exposure number")}, None),
    ],
)  # fmt: skip
def test_exposures_in_odd_spellings(cards: Cards, exposure_s: float | None) -> None:
    assert meta({"IMAGETYP": "Light", **cards}).exposure_s == exposure_s


@pytest.mark.parametrize("text", ["(2, 2)", "Bin2", "2*2", "2x2"])
def test_binning_as_text(text: str) -> None:
    assert meta({"BINNING": text}).binning == 2


@pytest.mark.parametrize("keyword", ["HBIN", "BIN1", "ESO DET WIN1 BINX"])
def test_binning_of_other_programs(keyword: str) -> None:
    assert meta({keyword: 2}).binning == 2


@pytest.mark.parametrize(
    "cards",
    [
        {"XPIXSZ": 3.76, "FOCALLEN": 530}, {"XPIXSZ": 3.76, "FOCALLEN": (0.53, "[m] focal length")},
        {"XPIXSZ": 3.76, "FOCALLEN": (53.0, "[cm]")}, {"XPIXSZ": (3.76e-6, "[m]"), "FOCALLEN": 530},
        {"XPIXSZ": (0.00376, "mm"), "FOCALLEN": (530, "focal length in mm")}, {"PIXSIZE": 3.76, "FOCALLEN": 530},
        {"XPIXSZ": (3.76, "[um] Pixel X axis size"), "FLENGTH": (0.53, "metres")}, {"SECPIX": 1.463306},
        {"PIXSCAL1": 1.463306}, {"PIXSCALE": "1.463306 arcsec/px"},
        {"XPIXSZ": (3.76, "[m]"), "FOCALLEN": (530, "[m] focal length")},
        {"CTYPE1": "RA---TAN", "CDELT1": -1.463306 / 3600, "CDELT2": 1.463306 / 3600},
    ],
)  # fmt: skip
def test_the_scale_by_units_and_keywords(cards: Cards) -> None:
    assert meta(cards).scale_arcsec_px == pytest.approx(1.4633, rel=1e-3)


@pytest.mark.parametrize(
    ("cards", "name"),
    [({"FILTER1": "Clear", "FILTER2": "Ha"}, "Ha"), ({"FILTER1": "air", "FILTER2": "air", "FILTER3": "rp"}, "rp"),
     ({"FILTER1": "Clear"}, "Clear"), ({"FILTER": "Ha", "FILTER1": "OIII"}, "Ha"), ({"INSFLNAM": "R"}, "R")],
)  # fmt: skip
def test_filters_of_several_wheels(cards: Cards, name: str) -> None:
    assert meta(cards).filter == name


@pytest.mark.parametrize(
    "cards", [{"BAYERPAT": "'RGGB'"}, {"BAYERPAT": "RG"}, {"CFATYPE": "RGGB"}, {"ARRAY_TY": "rggb"}]
)
def test_bayer_patterns_in_odd_spellings(cards: Cards) -> None:
    assert meta(cards).bayer == "RGGB"


@pytest.mark.parametrize("cards", [{"GAIN": "ISO 800"}, {"ISO": 800}, {"ISOSPEED": "ISO800"}])
def test_sensitivity_of_dslrs(cards: Cards) -> None:
    assert meta(cards).gain == 800.0


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-OBS": '"2026-03-01T22:12:14"'}, {"DATE-OBS": 1772403134000},
        {"DATE-OBS": "2026-03-01", "TM-START": 79934.2},
        {"DATE-OBS": ("2026-03-01T23:12:14", "local time"), "DATE-UTC": "2026-03-01T22:12:14"},
    ],
)  # fmt: skip
def test_moments_in_odd_spellings(cards: Cards) -> None:
    moment = meta(cards).date_obs_utc
    assert moment is not None
    assert moment.isoformat()[:19] == "2026-03-01T22:12:14"
