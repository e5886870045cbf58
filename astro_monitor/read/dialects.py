"""Header dialects: one meaning, many keywords. The tables are the knowledge; the code below only walks them.

The first keyword that is present *and* believable gives the value; ``FrameMeta.sources`` says which one it was. A
value that is text, not finite or out of its range is passed over with a note. Missing stays missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from astro_monitor.fitsheader import Header, Value
from astro_monitor.records import FrameKind, FrameMeta

from .framekind import kind_of, program_of
from .orientation import cd_matrix, east_angle_deg, is_celestial
from .values import as_degrees, as_moment, as_number, as_text, from_julian

ARCSEC_PER_RADIAN_UM_MM = 206.264806
"""Arcseconds of one micrometre seen from one millimetre times 1000: 648000 / pi / 1000."""
SCALE_RANGE_ARCSEC_PX = (0.05, 60.0)
SHORTEST_EXPOSURE_S = 1e-6
"""Less than any shutter, electronic ones included."""
UNKNOWN_TEXTS = ("UNKNOWN", "NONE", "N/A", "NULL", "DEFAULT", "AUTO")
"""Programs write these for *not known*: they are passed over without a note."""
_MAX_NOTES = 20


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A number: field of ``FrameMeta``, its keywords in order of preference, and what can be believed.

    Attributes:
        low, high: inclusive range.
        zero_is_unknown: programs write 0 for *not known*, so it is passed over without a note.
    """

    field: str
    keywords: tuple[str, ...]
    low: float
    high: float
    zero_is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text: field of ``FrameMeta`` and its keywords in order of preference."""

    field: str
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AngleRow:
    """An angle in degrees; ``text_is_hours`` for keywords whose sexagesimal text is right ascension."""

    field: str
    keywords: tuple[str, ...]
    low: float
    high: float
    text_is_hours: bool = False


NUMBERS = (
    NumberRow("exposure_s", ("EXPTIME", "EXPOSURE"), 0.0, 86_400.0),
    NumberRow("gain", ("GAIN", "CAM-GAIN", "ISOSPEED"), 0.0, 1e6),
    NumberRow("offset", ("OFFSET", "BLKLEVEL"), 0.0, 65_535.0),
    # SharpCap: EGAIN is meant at the depth of the converter, EGAINSAV at that of the file.
    NumberRow("e_per_adu", ("EGAINSAV", "EGAIN", "CVF"), 1e-4, 1e3, zero_is_unknown=True),
    NumberRow("sensor_temp_c", ("CCD-TEMP", "CCD_TEMP", "CCDTEMP", "TEMPERAT", "CAMTCCD"), -150.0, 80.0),
    NumberRow("airmass", ("AIRMASS",), 1.0, 40.0, zero_is_unknown=True),
    NumberRow("focuser_position", ("FOCPOS", "FOCUSPOS", "FOC-POS"), -1e7, 1e7),
    NumberRow("focuser_temp_c", ("FOCTEMP", "FOCUSTEM"), -80.0, 80.0),
    NumberRow("saturation_adu", ("SATURATE", "SATLEVEL"), 1.0, 4.3e9, zero_is_unknown=True),
)

TEXTS = (
    TextRow("filter", ("FILTER", "FILT-1", "COLOUR")),
    TextRow("target", ("OBJECT", "FIELD")),
    TextRow("camera", ("INSTRUME", "CAMERA", "CAM-MOD")),
    TextRow("telescope", ("TELESCOP", "OBSTEL")),
)

ANGLES = (
    AngleRow("ra_deg", ("RA", "OBJCTRA", "RA_D"), 0.0, 360.0, text_is_hours=True),
    AngleRow("dec_deg", ("DEC", "OBJCTDEC", "DEC_D"), -90.0, 90.0),
    AngleRow("altitude_deg", ("CENTALT", "OBJCTALT", "ALTITUDE"), -5.0, 90.0),
    AngleRow("site_lat_deg", ("SITELAT", "SITE-LAT", "OBSLAT", "LAT-OBS", "LATITUD"), -90.0, 90.0),
    # Programs disagree about the sign of longitude: it is kept as written.
    AngleRow("site_lon_deg", ("SITELONG", "SITE-LON", "OBSLONG", "LONG-OBS", "LOGITUD"), -360.0, 360.0),
)

BINNING = ("XBINNING", "CCDXBIN", "BINX", "CCDBIN1", "CCDSUM")
BINNED_PIXEL_UM = ("XPIXSZ", "XPIXELSZ", "XPIXSIZE", "PIXSIZEX")
"""Binning is included in these (N.I.N.A., INDI, SharpCap, MaxIm DL, Voyager)."""
UNBINNED_PIXEL_UM = ("PIXSIZE1",)
FOCAL = (("FOCALLEN", 1.0), ("FOCAL", 1.0), ("FLENGTH", 1000.0))
"""Keyword, and millimetres in its unit."""
SCALES = ("SCALE", "PIXSCALE", "SECPIX1")
BAYER_ORDERS = ("RGGB", "BGGR", "GRBG", "GBRG")
START = ("DATE-OBS",)
OTHER_MOMENTS = (
    # Keyword, which part of the exposure has passed by then.
    ("DATE-AVG", 0.5),
    ("DATE-END", 1.0),
)
JULIAN = (("MJD-OBS", True, 0.0), ("MJD-AVG", True, 0.5), ("JD", False, 0.0), ("JD_UTC", False, 0.0))
"""Keyword, whether it is a modified Julian date, and which part of the exposure has passed by then."""
TIMES_OF_DAY = ("TIME-OBS", "UTC-OBS", "UT")
"""Programs that write a date alone into DATE-OBS have the time in one of these."""


class _Facts:
    """What has been found so far."""

    def __init__(self, headers: tuple[Header, ...]) -> None:
        self._headers = headers
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.notes: list[str] = []

    def lookup(self, keyword: str) -> Value | None:
        """Give a value from the first header that has one."""
        for header in self._headers:
            value = header.value(keyword)
            if value is not None and not (isinstance(value, str) and not value.strip()):
                return value
        return None

    def comment(self, keyword: str) -> str:
        """Give the remark beside a keyword."""
        return next((header.comment(keyword) for header in self._headers if keyword in header), "")

    def keep(self, field: str, value: object, source: str) -> None:
        """Fill a field."""
        self.values[field] = value
        self.sources[field] = source

    def refuse(self, keyword: str, value: Value, why: str) -> None:
        """Note a value that was passed over."""
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(f"{keyword} = {(as_text(value) or '')[:40]!r} was passed over: {why}.")

    def number(self, keyword: str, low: float, high: float, *, zero_is_unknown: bool) -> float | None:
        """Give a believable number of a keyword, or note why not."""
        value = self.lookup(keyword)
        if value is None:
            return None
        number = as_number(value)
        if number is None and (as_text(value) or "").upper() in UNKNOWN_TEXTS:
            return None
        if number is None:
            self.refuse(keyword, value, "it is no number")
        elif number == 0.0 and zero_is_unknown:
            return None
        elif not low <= number <= high:
            self.refuse(keyword, value, f"it is not between {low:g} and {high:g}")
        else:
            return number
        return None


def read_meta(headers: tuple[Header, ...], planes: int = 1) -> FrameMeta:
    """Put the facts of a header into the program's one vocabulary.

    Parameters:
        headers: that of the image first, then that of the whole file.
        planes: number of images in the file's cube.
    """
    facts = _Facts(headers)
    remarks = tuple(remark for header in headers for remark in header.remarks)
    program, source = program_of(facts.lookup, remarks)
    if program is not None:
        facts.keep("program", program, source)
    kind, source = kind_of(facts.lookup, program, planes)
    if source:
        facts.keep("kind", kind, source)
    for row in NUMBERS:
        _number(facts, row)
    for text_row in TEXTS:
        _text(facts, text_row)
    for angle_row in ANGLES:
        _angle(facts, angle_row)
    _check_exposure(facts, kind)
    _check_pointing(facts)
    _start(facts)
    _optics(facts)
    _colour(facts)
    _pier_side(facts)
    _pedestal(facts)
    east = east_angle_deg(facts.lookup)
    if east is not None:
        facts.keep("east_angle_deg", east, "CTYPE1")
    return FrameMeta(**facts.values, sources=facts.sources, notes=tuple(facts.notes))


def _number(facts: _Facts, row: NumberRow) -> None:
    for keyword in row.keywords:
        number = facts.number(keyword, row.low, row.high, zero_is_unknown=row.zero_is_unknown)
        if number is not None:
            facts.keep(row.field, number, keyword)
            return


def _text(facts: _Facts, row: TextRow) -> None:
    for keyword in row.keywords:
        text = as_text(facts.lookup(keyword))
        if text is not None and text.upper() not in UNKNOWN_TEXTS:
            facts.keep(row.field, text, keyword)
            return


def _angle(facts: _Facts, row: AngleRow) -> None:
    for keyword in row.keywords:
        value = facts.lookup(keyword)
        if value is None:
            continue
        degrees = as_degrees(value, text_is_hours=row.text_is_hours)
        if degrees is None:
            facts.refuse(keyword, value, "it is no angle")
        elif not row.low <= degrees <= row.high:
            facts.refuse(keyword, value, f"it is not between {row.low:g} and {row.high:g} degrees")
        else:
            facts.keep(row.field, degrees, keyword)
            return


def _check_exposure(facts: _Facts, kind: FrameKind) -> None:
    """No time at all is an exposure for a bias frame only."""
    exposure = facts.values.get("exposure_s")
    if exposure is not None and exposure < SHORTEST_EXPOSURE_S and kind not in ("bias", "dark", "flat"):
        del facts.values["exposure_s"]
        facts.refuse(facts.sources.pop("exposure_s"), exposure, "a frame of the sky takes time")


def _check_pointing(facts: _Facts) -> None:
    """Both zero is how N.I.N.A. writes *no target*; one without the other points nowhere."""
    ra, dec = facts.values.get("ra_deg"), facts.values.get("dec_deg")
    if (ra == 0.0 and dec == 0.0) or (ra is None) != (dec is None):
        for field in ("ra_deg", "dec_deg"):
            facts.values.pop(field, None)
            facts.sources.pop(field, None)
    elif ra is not None and "JNOW" in facts.comment(facts.sources["ra_deg"]).upper():
        facts.notes.append("The pointing is given for the epoch of the night (JNOW), not J2000.")


def _start(facts: _Facts) -> None:
    time = next((value for value in map(facts.lookup, TIMES_OF_DAY) if value is not None), None)
    for keyword in START:
        value = facts.lookup(keyword)
        moment = as_moment(value, time)
        if moment is not None:
            facts.keep("date_obs_utc", moment, keyword)
            return
        if value is not None:
            facts.refuse(keyword, value, "it is no date with a time")
    exposure: float | None = facts.values.get("exposure_s")
    candidates: list[tuple[str, datetime | None, float]] = [
        (keyword, as_moment(facts.lookup(keyword)), passed) for keyword, passed in OTHER_MOMENTS
    ]
    candidates += [
        (keyword, from_julian(as_number(facts.lookup(keyword)), modified=modified), passed)
        for keyword, modified, passed in JULIAN
    ]
    for keyword, moment, passed in candidates:
        if moment is not None and (passed == 0.0 or exposure is not None):
            facts.keep("date_obs_utc", moment - timedelta(seconds=passed * (exposure or 0.0)), keyword)
            return


def _optics(facts: _Facts) -> None:
    """Binning, pixel size, focal length, and the scale that follows from them."""
    binning = _binning(facts)
    for keyword in BINNED_PIXEL_UM:
        pixel = facts.number(keyword, 0.5, 500.0, zero_is_unknown=True)
        if pixel is not None:
            facts.keep("pixel_um", pixel, keyword)
            break
    else:
        for keyword in UNBINNED_PIXEL_UM:
            pixel = facts.number(keyword, 0.5, 100.0, zero_is_unknown=True)
            if pixel is not None:
                facts.keep("pixel_um", pixel * binning, keyword)
                break
    for keyword, millimetres in FOCAL:
        focal = facts.number(keyword, 5.0 / millimetres, 1e5 / millimetres, zero_is_unknown=True)
        if focal is not None:
            facts.keep("focal_mm", focal * millimetres, keyword)
            break
    _scale(facts)


def _binning(facts: _Facts) -> int:
    for keyword in BINNING:
        value = facts.lookup(keyword)
        if keyword == "CCDSUM" and isinstance(value, str):
            value = value.split()[0]
        number = as_number(value)
        if number is None:
            continue
        # Some programs write 0 or -1 for an unbinned frame.
        binning = int(number) if 1 <= number <= 32 and number == int(number) else 1
        facts.keep("binning", binning, keyword)
        return binning
    return 1


def _scale(facts: _Facts) -> None:
    """The plate solution knows best; then pixel and focal length; a stored scale may be from another night."""
    found: list[tuple[float, str]] = []
    solved = _solved_scale(facts)
    if solved is not None:
        found.append((solved, "CD1_1"))
    pixel, focal = facts.values.get("pixel_um"), facts.values.get("focal_mm")
    if pixel is not None and focal is not None:
        found.append(
            (
                ARCSEC_PER_RADIAN_UM_MM * pixel / focal,
                f"{facts.sources['pixel_um']}+{facts.sources['focal_mm']}",
            )
        )
    low, high = SCALE_RANGE_ARCSEC_PX
    for keyword in SCALES:
        stored = facts.number(keyword, low, high, zero_is_unknown=True)
        if stored is not None:
            found.append((stored, keyword))
    believable = [(scale, source) for scale, source in found if low <= scale <= high]
    for scale, source in found:
        if not low <= scale <= high:
            facts.refuse(source, scale, f"the scale is not between {low:g} and {high:g} arcseconds per pixel")
    if not believable:
        return
    facts.keep("scale_arcsec_px", *believable[0])
    for scale, source in believable[1:]:
        if abs(math.log(scale / believable[0][0])) > 0.05:
            facts.notes.append(
                f"{source} gives {scale:.3g} arcseconds per pixel, "
                f"{believable[0][1]} gives {believable[0][0]:.3g}; the latter is used."
            )


def _solved_scale(facts: _Facts) -> float | None:
    """Scale of a plate solution: square root of the determinant of its matrix."""
    matrix = cd_matrix(facts.lookup) if is_celestial(facts.lookup) else []
    if not matrix:
        return None
    a, b, c, d = matrix
    determinant = abs(a * d - b * c)
    return 3600.0 * math.sqrt(determinant) if determinant > 0.0 else None


def _colour(facts: _Facts) -> None:
    for keyword in ("BAYERPAT", "COLORTYP"):
        text = (as_text(facts.lookup(keyword)) or "").upper()
        if text in BAYER_ORDERS:
            facts.keep("bayer", text, keyword)
            break
        # MaxIm DL writes INVALID or NONE for a mono camera.
        if keyword == "BAYERPAT" and text not in ("", "INVALID", "NONE", "MONO"):
            facts.refuse(keyword, text, "it is no colour filter array of 2 x 2 cells")
    order = (as_text(facts.lookup("ROWORDER")) or "").upper()
    if order in ("TOP-DOWN", "BOTTOM-UP"):
        facts.keep("row_order", order, "ROWORDER")


def _pier_side(facts: _Facts) -> None:
    side = (as_text(facts.lookup("PIERSIDE")) or "").lower().removeprefix("pier")
    if side in ("east", "west"):
        facts.keep("pier_side", side, "PIERSIDE")


def _pedestal(facts: _Facts) -> None:
    """MaxIm DL writes what must be added to come back to zero (negative), others what was added (positive)."""
    for keyword in ("PEDESTAL", "BIASADU"):
        number = facts.number(keyword, -65_535.0, 65_535.0, zero_is_unknown=True)
        if number is not None:
            facts.keep("pedestal_adu", abs(number), keyword)
            return
