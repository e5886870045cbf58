"""Header dialects: tables of the keywords of each value, and the code that looks them up.

The value is that of the first keyword that is present *and* plausible; ``FrameMeta.sources`` holds the keyword. A value
that is text, not finite or out of range is ignored with a note. Missing values stay missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from astro_monitor.errors import ConfigError
from astro_monitor.fitsheader import Header
from astro_monitor.formats import AngleRow, DialectRow, NumberRow, TextRow
from astro_monitor.hookspecs import hookimpl
from astro_monitor.plugins import Plugins
from astro_monitor.records import FrameMeta

from .calibration import read_calibration, read_pedestal
from .exposure import SHORTEST_S, read_exposure
from .facts import UNKNOWN_TEXTS, Facts
from .framekind import kind_of, spelled_type
from .optics import read_optics
from .orientation import east_angle_deg
from .processors import program_of
from .start_time import read_start
from .values import as_degrees, as_number, as_text

NUMBERS = (
    NumberRow("gain", ("GAIN", "CAM-GAIN", "ISOSPEED", "ISO"), 0.0, 1e6),
    NumberRow("offset", ("OFFSET", "BLKLEVEL"), 0.0, 65_535.0),
    # SharpCap: EGAIN refers to the depth of the converter, EGAINSAV to that of the file.
    NumberRow("e_per_adu", ("EGAINSAV", "EGAIN", "CVF"), 1e-4, 1e3, zero_is_unknown=True),
    NumberRow("sensor_temp_c", ("CCD-TEMP", "CCD_TEMP", "CCDTEMP", "TEMPERAT", "CAMTCCD"), -150.0, 80.0),
    NumberRow("airmass", ("AIRMASS",), 1.0, 40.0, zero_is_unknown=True),
    NumberRow("focuser_position", ("FOCPOS", "FOCUSPOS", "FOC-POS"), -1e7, 1e7),
    NumberRow("focuser_temp_c", ("FOCTEMP", "FOCUSTEM"), -80.0, 80.0),
    NumberRow("saturation_adu", ("SATURATE", "SATLEVEL"), 1.0, 4.3e9, zero_is_unknown=True),
)

TEXTS = (
    TextRow(
        "filter",
        (
            "FILTER",
            "FILT-1",
            "COLOUR",
            "FILTER NAME",
            "FILTNAME",
            "FILTERID",
            "FILTNAM",
            "FILTER1",
            "FILTER2",
            "FILTER3",
            "FILTNAM1",
            "INSFLNAM",
            "ESO INS FILT1 NAME",
        ),
    ),
    TextRow("target", ("OBJECT", "FIELD", "OBJNAME", "TARGET", "TARGNAME")),
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

WHEELS = ("FILTER1", "FILTER2", "FILTER3")
OPEN_FILTERS = ("air", "clear", "open", "empty", "none", "no filter", "opaque", "home", "0")
BAYER_KEYWORDS = ("BAYERPAT", "COLORTYP", "BAYER_PATTERN", "BAYER", "CFATYPE", "CFAPAT", "ARRAY_TY")
BAYER_ORDERS = ("RGGB", "BGGR", "GRBG", "GBRG")


FILLABLE = frozenset(row.field for row in (*NUMBERS, *TEXTS, *ANGLES))
"""Fields of ``FrameMeta`` that rows fill; others need more than one keyword, such as the time of the exposure."""


@dataclass(frozen=True, slots=True)
class Dialects:
    """All rows, by what they hold: those of astro-monitor first."""

    numbers: tuple[NumberRow, ...]
    texts: tuple[TextRow, ...]
    angles: tuple[AngleRow, ...]

    @staticmethod
    def of(rows: Iterable[DialectRow]) -> Dialects:
        """Sort rows by what they hold.

        Parameters:
            rows: in the order of preference.
        """
        known = tuple(rows)
        return Dialects(
            numbers=tuple(row for row in known if isinstance(row, NumberRow)),
            texts=tuple(row for row in known if isinstance(row, TextRow)),
            angles=tuple(row for row in known if isinstance(row, AngleRow)),
        )

    @staticmethod
    def registered(plugins: Plugins) -> Dialects:
        """Collect the rows of astro-monitor and of the plugins that are on.

        Raises:
            ConfigError: a plugin returned what is no row, a field that does not exist, or a keyword of a field that
                another row has.
        """
        kinds: tuple[type[DialectRow], ...] = (NumberRow, TextRow, AngleRow)
        rows = plugins.registered(
            "register_dialects", kinds, lambda row: (f"{keyword} for {row.field}" for keyword in row.keywords)
        )
        for registered in rows:
            if registered.guard is not None and registered.row.field not in FILLABLE:
                raise ConfigError(
                    f"the plugin {registered.guard.name} is wrong: register_dialects names the field "
                    f"{registered.row.field!r}, which no row can fill; update it, or take it out of plugins.on"
                )
        return Dialects.of(registered.row for registered in rows)


@hookimpl
def register_dialects() -> Iterable[DialectRow]:
    """Return the rows above."""
    return (*NUMBERS, *TEXTS, *ANGLES)


BUILT_IN = Dialects(NUMBERS, TEXTS, ANGLES)


def read_meta(headers: tuple[Header, ...], planes: int = 1, dialects: Dialects = BUILT_IN) -> FrameMeta:
    """Return the values of a header in the vocabulary of this program.

    Parameters:
        headers: the header of the image, then the primary one.
        planes: number of images in the file's cube.
        dialects: which keyword fills which field; a field that one row has filled is left alone by later ones.
    """
    facts = Facts(headers)
    program, source = program_of(facts)
    if program is not None:
        facts.keep("program", program, source)
    kind, source = kind_of(facts, planes)
    if source:
        facts.keep("kind", kind, source)
    facts.values["frame_type"] = spelled_type(facts)
    for row in dialects.numbers:
        if row.field not in facts.values:
            _keep_number(facts, row)
    for text_row in dialects.texts:
        if text_row.field not in facts.values:
            _keep_text(facts, text_row)
    for angle_row in dialects.angles:
        if angle_row.field not in facts.values:
            _keep_angle(facts, angle_row)
    _check_pointing(facts)
    read_exposure(facts, kind)
    _dark_without_exposure(facts)
    read_start(facts)
    read_optics(facts)
    _keep_colour_filters(facts)
    _keep_pier_side(facts)
    read_pedestal(facts, read_calibration(facts))
    east = east_angle_deg(facts.lookup)
    if east is not None:
        facts.keep("east_angle_deg", east, "CTYPE1")
    return FrameMeta(**facts.values, sources=facts.sources, notes=tuple(facts.notes))


def _dark_without_exposure(facts: Facts) -> None:
    """Set the type of a dark without exposure to bias."""
    if facts.values.get("kind") == "dark" and facts.values.get("exposure_s", SHORTEST_S) < SHORTEST_S:
        facts.keep("kind", "bias", f"{facts.sources['kind']} (without exposure)")


def _keep_number(facts: Facts, row: NumberRow) -> None:
    """Keep the first valid number among a row's keywords as the header value of its field."""
    for keyword in row.keywords:
        number = facts.number(keyword, row.low, row.high, zero_is_unknown=row.zero_is_unknown)
        if number is not None:
            facts.keep(row.field, number, keyword)
            return


def _keep_text(facts: Facts, row: TextRow) -> None:
    """Keep the first known text among a row's keywords as the header value of its field; open filter wheels last."""
    candidates = [
        (text, keyword)
        for keyword in row.keywords
        if (text := as_text(facts.lookup(keyword))) is not None and text.upper() not in UNKNOWN_TEXTS
    ]
    if not candidates:
        return
    if candidates[0][1] in WHEELS:
        # One of several wheels holds the filter, and the others are open.
        candidates.sort(key=lambda candidate: candidate[1] not in WHEELS or candidate[0].lower() in OPEN_FILTERS)
    facts.keep(row.field, *candidates[0])


def _keep_angle(facts: Facts, row: AngleRow) -> None:
    """Keep the first valid angle among a row's keywords as the header value of its field, in degrees."""
    for keyword in row.keywords:
        value = facts.lookup(keyword)
        if value is None:
            continue
        degrees = as_degrees(value, text_is_hours=row.text_is_hours)
        if (
            degrees is not None
            and row.text_is_hours
            and as_number(value) is not None
            and _comment_has_hours(facts, keyword)
        ):
            degrees *= 15.0
        if degrees is None:
            facts.refuse(keyword, value, "it is no angle")
        elif not row.low <= degrees <= row.high:
            facts.refuse(keyword, value, f"it is not between {row.low:g} and {row.high:g} degrees")
        else:
            facts.keep(row.field, degrees, keyword)
            return


def _comment_has_hours(facts: Facts, keyword: str) -> bool:
    """Return whether the comment of a FITS keyword names hours as its unit."""
    return re.search(r"\bhours?\b|\[hr?s?\]|\(hr?s?\)", facts.comment(keyword).lower()) is not None


def _check_pointing(facts: Facts) -> None:
    """Remove an incomplete pointing, and one of zeros, which is how N.I.N.A. writes *no target*."""
    ra, dec = facts.values.get("ra_deg"), facts.values.get("dec_deg")
    if (ra == 0.0 and dec == 0.0) or (ra is None) != (dec is None):
        for field in ("ra_deg", "dec_deg"):
            facts.values.pop(field, None)
            facts.sources.pop(field, None)
    elif ra is not None and "JNOW" in facts.comment(facts.sources["ra_deg"]).upper():
        facts.note("The pointing is given for the epoch of the night (JNOW), not J2000.")


def _keep_colour_filters(facts: Facts) -> None:
    """Keep the Bayer order and the row order of a colour camera as header values."""
    for keyword in BAYER_KEYWORDS:
        text = (as_text(facts.lookup(keyword)) or "").upper()
        # The first row of a pattern determines the second.
        text = {"RG": "RGGB", "BG": "BGGR", "GR": "GRBG", "GB": "GBRG"}.get(text, text)
        if text in BAYER_ORDERS:
            facts.keep("bayer", text, keyword)
            break
        # MaxIm DL writes INVALID or NONE for a mono camera.
        if keyword == "BAYERPAT" and text not in ("", "INVALID", "NONE", "MONO"):
            facts.refuse(keyword, text, "it is no colour filter array of 2 x 2 cells")
    order = (as_text(facts.lookup("ROWORDER")) or "").upper()
    if order in ("TOP-DOWN", "BOTTOM-UP"):
        facts.keep("row_order", order, "ROWORDER")


def _keep_pier_side(facts: Facts) -> None:
    """Keep the side of the pier on which the telescope is, ``east`` or ``west``, as a header value."""
    side = (as_text(facts.lookup("PIERSIDE")) or "").lower().removeprefix("pier")
    if side in ("east", "west"):
        facts.keep("pier_side", side, "PIERSIDE")
