"""The header of an XISF image as FITS cards: its keywords, and its properties where there is no such keyword.

Format: XISF Specification 1.0, sections 8.4.1 (properties), 11.1 (FITSKeyword) and 11.5.3 (astronomical properties),
https://pixinsight.com/doc/docs/XISF-1.0-spec/XISF-1.0-spec.html.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from astro_monitor.fitsheader import Header

PROPERTIES = (
    # Property, the FITS keyword of the same meaning, and the factor of its number.
    ("Observation:Time:Start", "DATE-OBS", 1.0),
    ("Observation:Time:End", "DATE-END", 1.0),
    ("Instrument:ExposureTime", "EXPTIME", 1.0),
    ("Instrument:FrameExposureTime", "EXPTIME", 1.0),
    ("Instrument:Filter:Name", "FILTER", 1.0),
    ("Observation:Object:Name", "OBJECT", 1.0),
    ("Observation:Object:RA", "RA", 1.0),
    ("Observation:Object:Dec", "DEC", 1.0),
    ("Observation:Center:RA", "RA", 1.0),
    ("Observation:Center:Dec", "DEC", 1.0),
    ("Observation:Location:Latitude", "SITELAT", 1.0),
    ("Observation:Location:Longitude", "SITELONG", 1.0),
    ("Instrument:Camera:Name", "INSTRUME", 1.0),
    ("Instrument:Camera:Gain", "EGAIN", 1.0),
    ("Instrument:Camera:ISOSpeed", "ISOSPEED", 1.0),
    ("Instrument:Camera:XBinning", "XBINNING", 1.0),
    ("Instrument:Camera:YBinning", "YBINNING", 1.0),
    ("Instrument:Sensor:Temperature", "CCD-TEMP", 1.0),
    ("Instrument:Sensor:TargetTemperature", "SET-TEMP", 1.0),
    ("Instrument:Sensor:XPixelSize", "XPIXSZ", 1.0),
    ("Instrument:Telescope:Name", "TELESCOP", 1.0),
    ("Instrument:Telescope:FocalLength", "FOCALLEN", 1000.0),
    ("Instrument:Focuser:Position", "FOCPOS", 1.0),
    ("XISF:CreatorApplication", "XISF:CreatorApplication", 1.0),
    ("XISF:CreatorModule", "XISF:CreatorModule", 1.0),
)
"""Lengths are metres in XISF and millimetres in FITS headers; pixel sizes are micrometres in both."""
_BARE = re.compile(r"[TF]|[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?", re.ASCII)
_MAX_PROPERTIES = 2000
"""Most properties that are read from one file."""
MAX_VALUE, MAX_COMMENT = 1000, 200
"""Characters that are kept of a value and a comment; one attribute of an XML header may have megabytes."""


def xisf_header(root: ET.Element, image: ET.Element) -> Header:
    """Return the header of an image.

    Parameters:
        root: the root element of the XML header, for properties of the whole file.
        image: the element of the image.
    """
    cards: dict[str, tuple[str, ...]] = {}
    remarks: list[str] = []
    for element in image:
        keyword = element.get("name", "").strip().upper()
        if tag_of(element) != "FITSKeyword" or not keyword:
            continue
        value, comment = element.get("value", "")[:MAX_VALUE], element.get("comment", "")[:MAX_COMMENT]
        if keyword in ("COMMENT", "HISTORY"):
            remarks.append(f"{value.strip().strip(chr(39))} {comment}".strip())
        elif value.strip() and keyword not in cards:
            cards[keyword] = (f"{_card_text(value)} / {comment}",)
    properties = _properties(root, image)
    for name, keyword, factor in PROPERTIES:
        text = properties.get(name, "").strip()[:MAX_VALUE]
        if text and keyword not in cards:
            cards[keyword] = (_card_text(_scaled_number(text, factor)),)
    kind = image.get("imageType", "").strip()[:MAX_VALUE]
    if kind:
        cards["XISF:imageType"] = (_card_text(kind),)
    offset = image.get("offset", "").strip()[:MAX_VALUE]
    if _BARE.fullmatch(offset) and "PEDESTAL" not in cards:
        cards["PEDESTAL"] = (offset,)
    return Header(cards, tuple(remarks))


def tag_of(element: ET.Element) -> str:
    """Return the name of an element without its name space."""
    return str(element.tag).rpartition("}")[2]


def _properties(root: ET.Element, image: ET.Element) -> dict[str, str]:
    """Return the properties of the image, then those of the whole file; values in blocks of data are left out."""
    properties: dict[str, str] = {}
    metadata = [element for element in root if tag_of(element) == "Metadata"]
    for parent in (image, root, *metadata):
        for element in parent:
            if tag_of(element) == "Property" and len(properties) < _MAX_PROPERTIES and not element.get("location"):
                value = element.get("value")
                properties.setdefault(element.get("id", "").strip(), value if value is not None else element.text or "")
    return properties


def _card_text(value: str) -> str:
    """Return a value in the form of a FITS card: text in quotes, numbers and logical values without."""
    value = value.strip()
    if value.startswith("'") or _BARE.fullmatch(value):
        return value
    return "'" + value.replace("'", "''") + "'"


def _scaled_number(text: str, factor: float) -> str:
    """Return the text of a number in an XISF property multiplied by a factor; other text unchanged."""
    return repr(float(text) * factor) if factor != 1.0 and _BARE.fullmatch(text) and text not in "TF" else text
