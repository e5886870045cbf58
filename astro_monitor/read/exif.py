"""EXIF data of TIFF and camera raw files as FITS cards, so that all formats share one vocabulary.

Formats: TIFF 6.0 (directories of 12-byte entries), Exif 3.0 (CIPA DC-008), Fujifilm's RAF (a JPEG preview holds the
EXIF), Canon's CR3 (an ISO base media file whose boxes CMT1 and CMT2 are TIFF directories). The file is not trusted:
directories, entries and texts are bounded, and invalid entries are left out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.records import FrameMeta

TIFF_MAGICS = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""First bytes of TIFF files, and of raw files of Olympus and Panasonic, which differ from TIFF only in them."""

_MAX_ENTRIES = 1000
"""Most entries of a directory that are read; cameras write fewer than a hundred."""
_MAX_TEXT = 4_096
"""Longest text in bytes: names of cameras and lenses are short, and a hostile file may hold a thousand texts."""
_MAX_BOXES = 64
"""Most boxes that are followed at one level of a CR3 file."""
_MAX_SEGMENTS = 64
"""Most segments that are followed in the JPEG preview of a RAF file."""
_FORMS = {1: (1, "B"), 2: (1, "s"), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 7: (1, "s"), 9: (4, "i"), 10: (8, "ii")}
"""Length in bytes and ``struct`` format of a value, by the number of its type (TIFF 6.0, section 2; Exif 3.0)."""
_CR3_METADATA = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
"""UUID of the box with the metadata in Canon's CR3 files."""

MAKE, MODEL, SOFTWARE, DATE_TIME, DESCRIPTION = 271, 272, 305, 306, 270
"""Numbers of tags of TIFF 6.0."""
EXIF_DIRECTORY = 34665
"""Number of the tag with the offset of the EXIF directory (Exif 3.0, 4.6.3)."""
EXPOSURE_TIME, ISO, ISO_LONG, DATE_TIME_ORIGINAL = 33434, 34855, 34866, 36867
"""Numbers of tags of Exif 3.0."""
OFFSET_TIME, OFFSET_TIME_ORIGINAL, SUBSECONDS, FOCAL_LENGTH, LENS_MODEL = 36880, 36881, 37521, 37386, 42036
"""More of them."""
DNG_VERSION = 50706
"""Number of the tag by which a DNG file is recognised (Adobe DNG 1.7)."""
ISO_TOO_LARGE = 65_535
"""Value of the 16-bit ISO field when the number does not fit into it; it is in the longer field."""

Tag = str | float


@dataclass(frozen=True, slots=True)
class Exif:
    """EXIF data of a file.

    Attributes:
        tags: value of each valid tag, by its number; rational numbers as floats.
        header: the same values as FITS cards.
        sources: name of the tag of each card, for people.
    """

    tags: dict[int, Tag]
    header: Header
    sources: dict[str, str]


def read_exif(read_at: ReadAt) -> Exif:
    """Read the EXIF of a TIFF or camera raw file.

    Parameters:
        read_at: returns bytes of the file.

    Returns:
        The EXIF data; empty when there are none or they are damaged.
    """
    tags: dict[int, Tag] = {}
    for start in _directories(read_at):
        try:
            _read_tiff(read_at, start, tags)
        except (struct.error, ValueError, OverflowError):
            continue
    return _as_cards(tags)


def with_exif(exif: Exif, meta: FrameMeta) -> FrameMeta:
    """Return header values with the names of EXIF tags as sources, in place of FITS keywords.

    Parameters:
        exif: the result of ``read_exif``.
        meta: values read from its cards.
    """
    return replace(meta, sources={field: exif.sources.get(name, name) for field, name in meta.sources.items()})


def _directories(read_at: ReadAt) -> Iterator[int]:
    """Yield the offsets of TIFF structures with EXIF in the file."""
    front = read_at(0, 96)
    if front[:4] in TIFF_MAGICS:
        yield 0
    elif front.startswith(b"FUJIFILM") and len(front) >= 92:
        yield from _offset_in_jpeg(read_at, int.from_bytes(front[84:88], "big"))
    elif front[4:8] == b"ftyp":
        yield from _offsets_in_boxes(read_at)


def _offset_in_jpeg(read_at: ReadAt, start: int) -> Iterator[int]:
    """Yield the offset of the EXIF data in a JPEG that a raw file contains as its preview."""
    position = start + 2
    for _ in range(_MAX_SEGMENTS):
        head = read_at(position, 10)
        if len(head) < 10 or head[0] != 0xFF:
            return
        if head[1] == 0xE1 and head[4:10] == b"Exif\0\0":
            yield position + 10
            return
        position += 2 + int.from_bytes(head[2:4], "big")


def _offsets_in_boxes(read_at: ReadAt) -> Iterator[int]:
    """Yield the offsets of the EXIF directories in the boxes of a Canon CR3 file."""
    for name, start, end in _boxes(read_at, 0, 1 << 40):
        if name != b"moov":
            continue
        for inner, inner_start, inner_end in _boxes(read_at, start, end):
            if inner == b"uuid" and read_at(inner_start, 16) == _CR3_METADATA:
                for kind, box_start, _ in _boxes(read_at, inner_start + 16, inner_end):
                    if kind in (b"CMT1", b"CMT2"):
                        yield box_start
        return


def _boxes(read_at: ReadAt, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, first byte and end of each box of a CR3 file (ISO/IEC 14496-12, section 4.2)."""
    for _ in range(_MAX_BOXES):
        head = read_at(start, 16) if start + 8 <= end else b""
        if len(head) < 8:
            return
        length, body = int.from_bytes(head[:4], "big"), start + 8
        if length == 1 and len(head) == 16:
            length, body = int.from_bytes(head[8:16], "big"), start + 16
        if length < body - start:
            return
        yield head[4:8], body, min(start + length, end)
        start += length


def _read_tiff(read_at: ReadAt, start: int, tags: dict[int, Tag]) -> None:
    """Add the EXIF tags of a TIFF structure, with those of its inner EXIF directory, to ``tags``."""
    head = read_at(start, 8)
    order = "<" if head[:2] == b"II" else ">"
    _read_directory(read_at, start, struct.unpack(f"{order}I", head[4:8])[0], order, tags)
    inner = tags.get(EXIF_DIRECTORY)
    if isinstance(inner, float):
        _read_directory(read_at, start, int(inner), order, tags)


def _read_directory(read_at: ReadAt, start: int, offset: int, order: str, tags: dict[int, Tag]) -> None:
    """Add the texts and numbers of one TIFF directory to ``tags``; tags that are already there remain."""
    (count,) = struct.unpack(f"{order}H", read_at(start + offset, 2))
    table = read_at(start + offset + 2, 12 * min(count, _MAX_ENTRIES))
    for entry in range(0, len(table) - 11, 12):
        tag, form, number = struct.unpack(f"{order}HHI", table[entry : entry + 8])
        if form not in _FORMS or tag in tags:
            continue
        size, letters = _FORMS[form]
        count_read = min(number, _MAX_TEXT) if letters == "s" else 1
        raw = table[entry + 8 : entry + 12]
        if size * number > 4:
            raw = read_at(start + struct.unpack(f"{order}I", raw)[0], size * count_read)
        if letters == "s":
            text = raw[:count_read].partition(b"\0")[0].decode("utf-8", "replace").strip()
            if text:
                tags[tag] = text
        elif len(raw) >= size and number:
            parts = struct.unpack(f"{order}{letters}", raw[:size])
            if len(parts) == 1 or parts[1]:
                tags[tag] = float(parts[0]) / (parts[1] if len(parts) == 2 else 1)


def _as_cards(tags: dict[int, Tag]) -> Exif:
    """Return EXIF tags as FITS cards: exposure, ISO, focal length, camera, program, lens and start time."""
    cards: dict[str, tuple[str, ...]] = {}
    sources: dict[str, str] = {}

    def put(keyword: str, value: Tag | None, source: str) -> None:
        if isinstance(value, str):
            quoted = value.replace("'", "''")
            cards[keyword], sources[keyword] = (f"'{quoted}'",), source
        elif value is not None and math.isfinite(value) and value > 0:
            cards[keyword], sources[keyword] = (repr(value),), source

    iso, long_iso = tags.get(ISO), tags.get(ISO_LONG)
    put("EXPTIME", _number_or_none(tags.get(EXPOSURE_TIME)), "EXIF ExposureTime")
    put("ISOSPEED", _number_or_none(long_iso if iso == ISO_TOO_LARGE and long_iso else iso), "EXIF ISO")
    put("FOCALLEN", _number_or_none(tags.get(FOCAL_LENGTH)), "EXIF FocalLength")
    put("INSTRUME", _camera_name(tags.get(MAKE), tags.get(MODEL)), "EXIF Model")
    put("SOFTWARE", _text_or_none(tags.get(SOFTWARE)), "TIFF Software")
    put("TELESCOP", _text_or_none(tags.get(LENS_MODEL)), "EXIF LensModel")
    moment, source = _moment(tags)
    put("DATE-OBS", moment, source)
    return Exif(tags, Header(cards), sources)


def _camera_name(make: Tag | None, model: Tag | None) -> str | None:
    """Return a camera's name from its EXIF make and model, without the maker twice; ``None`` when both are empty."""
    maker, name = _text_or_none(make) or "", _text_or_none(model) or ""
    if maker and name.lower().startswith(maker.split()[0].lower()):
        return name
    return f"{maker} {name}".strip() or None


def _moment(tags: dict[int, Tag]) -> tuple[str | None, str]:
    """Return the start of the exposure in UTC. Cameras write local time, and few write its offset."""
    for tag, offset_tag, name in (
        (DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL, "EXIF DateTimeOriginal"),
        (DATE_TIME, OFFSET_TIME, "TIFF DateTime"),
    ):
        try:
            local = datetime.strptime(_text_or_none(tags.get(tag)) or "", "%Y:%m:%d %H:%M:%S")
            offset = _text_or_none(tags.get(offset_tag) or tags.get(OFFSET_TIME))
            if offset is not None:
                moment = datetime.strptime(f"{local:%Y-%m-%dT%H:%M:%S}{offset}", "%Y-%m-%dT%H:%M:%S%z")
            else:
                moment, name = local.astimezone(), f"{name} (time zone of this computer assumed)"
            fraction = _text_or_none(tags.get(SUBSECONDS)) if tag == DATE_TIME_ORIGINAL else None
            if fraction is not None and fraction.isascii() and fraction.isdecimal():
                moment += timedelta(seconds=float(f"0.{fraction[:6]}"))
            return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}", name
        except (ValueError, OverflowError, OSError):
            continue
    return None, ""


def _text_or_none(value: Tag | None) -> str | None:
    """Return the value of an EXIF tag if it is text, else ``None``."""
    return value if isinstance(value, str) else None


def _number_or_none(value: Tag | None) -> float | None:
    """Return the value of an EXIF tag if it is a number, else ``None``."""
    return value if isinstance(value, float) else None
