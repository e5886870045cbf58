"""The bounded FITS header scanner: how long a FITS file says it is, and what its header cards hold.

Pure Python on the standard library, so that the watcher can ask for a length without loading an array
library. Nothing in a file is believed: headers are at most 200 blocks long, data units at most
``MAX_DATA_BYTES``, and no allocation ever depends on a number found in the file.

Layout and cards follow sections 3 and 4 of the FITS Standard 4.0
(https://fits.gsfc.nasa.gov/fits_standard.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from astro_monitor.errors import Incomplete, Unreadable, Unsupported

BLOCK_BYTES = 2880
CARD_BYTES = 80
MAX_HEADER_BLOCKS = 200
"""36 cards each: 7,200 cards, 576,000 bytes. Real headers have one to twenty blocks."""
MAX_HDUS = 256
"""More than any mosaic camera has detectors."""
MAX_HEADERS_BYTES = 1024 * BLOCK_BYTES
"""All headers of one file together; bounds the time a file made of headers can cost."""
MAX_CONTINUED = 32
"""CONTINUE cards that are read for one keyword: texts of about 2,000 letters."""
MAX_AXES = 999
MAX_DATA_BYTES = 1 << 40
"""One terabyte in one data unit: a header that says more is not telling the truth."""
LEGAL_BITPIX = (8, 16, 32, 64, -32, -64)

ReadAt = Callable[[int, int], bytes]
"""Bytes of a file: ``read_at(offset, count)`` returns fewer than ``count`` only at the end of the file."""

Value = str | int | float | bool
"""What a card can hold here; complex numbers are not used by any camera program."""

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([EeDd][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Header:
    """The cards of one header, read lazily.

    Attributes:
        cards: for each keyword its text after ``= ``, and that of the CONTINUE cards below it. Where a
            keyword occurs twice, the first one counts, as in the common libraries.
        remarks: the text of COMMENT and HISTORY cards.
    """

    cards: dict[str, tuple[str, ...]]
    remarks: tuple[str, ...] = ()

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.cards

    def value(self, keyword: str) -> Value | None:
        """Give the value of a keyword, or ``None`` when it is absent, blank or malformed."""
        parts = self.cards.get(keyword)
        if parts is None:
            return None
        value = _parse_value(parts[0])
        for part in parts[1:]:
            more = _parse_value(part)
            if not isinstance(value, str) or not value.endswith("&") or not isinstance(more, str):
                break
            value = value[:-1] + more
        return value

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Give a keyword that the layout of the file depends on.

        Raises:
            Unreadable: it is absent (and there is no default) or no integer.
        """
        value = self.value(keyword)
        if value is None and keyword not in self.cards and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable(
                f"The FITS header has no usable {keyword}, so no image can be found; write the file again.",
                kind="bad_header",
            )
        return value

    def comment(self, keyword: str) -> str:
        """Give the remark after the value of a keyword, or an empty text."""
        parts = self.cards.get(keyword)
        if parts is None:
            return ""
        text = parts[0]
        start = _end_of_quoted(text.lstrip()) + len(text) - len(text.lstrip())
        slash = text.find("/", start)
        return "" if slash < 0 else text[slash + 1 :].strip()


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header and where its data are.

    Attributes:
        index: 0 for the primary one.
        header: its cards.
        header_offset: first byte of the header.
        data_offset: first byte of the data.
        data_bytes: length of the data without padding.
    """

    index: int
    header: Header = field(repr=False)
    header_offset: int
    data_offset: int
    data_bytes: int

    @property
    def end_offset(self) -> int:
        """First byte after the padded data."""
        return self.data_offset + _padded(self.data_bytes)

    @property
    def extension(self) -> str:
        """``PRIMARY``, or the value of XTENSION such as ``IMAGE`` or ``BINTABLE``."""
        value = self.header.value("XTENSION")
        return value.strip().upper() if isinstance(value, str) else "PRIMARY"

    @property
    def axes(self) -> tuple[int, ...]:
        """NAXIS1, NAXIS2, … as in the header: the fastest one first."""
        count = self.header.integer("NAXIS")
        return tuple(self.header.integer(f"NAXIS{number}") for number in range(1, count + 1))


def declared_size(head: BinaryIO) -> int:
    """Say how many bytes a FITS file must have, by the headers that are in it so far.

    A file may be longer (some programs leave a tail) and is certainly not whole while it is shorter. A file
    whose next extension has not been begun cannot be told from one that has none: wait for it to be quiet.

    Parameters:
        head: the file, opened for reading bytes, seekable. Its position is moved.

    Returns:
        Length in bytes up to the end of the last data unit, its padding left out: not every program pads.

    Raises:
        Incomplete: a header has no END yet, the file is empty, or it begins with zeros to be filled later.
        Unreadable: this is no FITS file, or its header makes no sense (``kind`` tells which).
        Unsupported: more parts than any camera writes.
    """

    def read_at(offset: int, count: int) -> bytes:
        head.seek(offset)
        return head.read(count)

    end = 0
    for hdu in scan_hdus(read_at):
        # An extension that follows is found by its header; only the last one's padding may be missing.
        end = hdu.data_offset + hdu.data_bytes
    return end


def scan_hdus(read_at: ReadAt) -> Iterator[Hdu]:
    """Walk the headers of a FITS file, one HDU (header and data unit) after the other.

    Parameters:
        read_at: gives bytes of the file.

    Yields:
        Each HDU, before its data are looked at. The walk ends where no extension follows.

    Raises:
        Incomplete, Unreadable, Unsupported: as for ``declared_size``.
    """
    hdu = _read_hdu(read_at, 0, 0)
    headers_bytes = hdu.data_offset
    yield hdu
    while read_at(hdu.end_offset, 8) == b"XTENSION":
        if hdu.index + 1 >= MAX_HDUS or headers_bytes > MAX_HEADERS_BYTES:
            raise Unsupported(
                "The FITS file has far more parts than a camera writes; give single images instead.",
                kind="too_many_hdus",
            )
        hdu = _read_hdu(read_at, hdu.end_offset, hdu.index + 1)
        headers_bytes += hdu.data_offset - hdu.header_offset
        yield hdu


def _read_hdu(read_at: ReadAt, offset: int, index: int) -> Hdu:
    header, length = _read_header(read_at, offset)
    return Hdu(
        index=index,
        header=header,
        header_offset=offset,
        data_offset=offset + length,
        data_bytes=_data_bytes(header, primary=index == 0),
    )


def _read_header(read_at: ReadAt, offset: int) -> tuple[Header, int]:
    cards: dict[str, tuple[str, ...]] = {}
    remarks: list[str] = []
    current = ""
    for number in range(MAX_HEADER_BLOCKS):
        block = read_at(offset + number * BLOCK_BYTES, BLOCK_BYTES)
        if offset == 0 and number == 0:
            _check_magic(block)
        for start in range(0, len(block) - CARD_BYTES + 1, CARD_BYTES):
            card = block[start : start + CARD_BYTES]
            if card[:1] == b"\0":
                raise _no_end_yet()
            text = card.decode("latin-1")
            keyword = text[:8].rstrip()
            if keyword == "END" and not text[3:].strip():
                return Header(cards, tuple(remarks)), (number + 1) * BLOCK_BYTES
            if keyword == "CONTINUE":
                if current and len(cards[current]) <= MAX_CONTINUED:
                    cards[current] = (*cards[current], text[8:])
                continue
            current = ""
            if text[8:10] == "= " or (text[8:9] == "=" and text[9:].strip()):
                if keyword not in cards:
                    cards[keyword] = (text[9:],)
                    current = keyword
            elif keyword in ("COMMENT", "HISTORY"):
                remarks.append(text[8:].rstrip())
        if len(block) < BLOCK_BYTES:
            raise _no_end_yet()
    raise Unreadable(
        f"The FITS header has no END in its first {MAX_HEADER_BLOCKS * 36} cards; write the file again.",
        kind="bad_header",
    )


def _check_magic(block: bytes) -> None:
    if not block or not block.strip(b"\0"):
        raise Incomplete("The file is empty so far; it is tried again when it grows.")
    magic = b"SIMPLE  ="
    if block[: len(magic)] != magic:
        if magic.startswith(block):
            raise _no_end_yet()
        raise Unreadable("This is not a FITS file, whatever its name says; check what wrote it.", kind="not_fits")
    if len(block) >= CARD_BYTES and _parse_value(block[9:CARD_BYTES].decode("latin-1")) is not True:
        raise Unreadable(
            "The file says itself that it does not follow the FITS standard (SIMPLE is not T); "
            "let the capture program write standard FITS.",
            kind="bad_header",
        )


def _no_end_yet() -> Incomplete:
    return Incomplete("The FITS header has no END yet; the file is tried again when it grows.")


def _data_bytes(header: Header, *, primary: bool) -> int:
    """Length of a data unit, FITS Standard 4.0, equations 1, 2 and 4, with every number checked first."""
    bitpix = header.integer("BITPIX")
    count = header.integer("NAXIS")
    if bitpix not in LEGAL_BITPIX or not 0 <= count <= MAX_AXES:
        raise Unreadable(
            f"The FITS header has an impossible BITPIX or NAXIS ({bitpix}, {count}); write the file again.",
            kind="bad_header",
        )
    groups = header.value("GROUPS") is True
    elements = 1 if count else 0
    for number in range(1, count + 1):
        length = header.integer(f"NAXIS{number}")
        if length < 0:
            raise _absurd_size()
        if not (primary and groups and number == 1 and length == 0):
            elements *= length
        if elements > MAX_DATA_BYTES:
            raise _absurd_size()
    if groups or not primary:
        parameters, repeats = header.integer("PCOUNT", 0), header.integer("GCOUNT", 1)
        if parameters < 0 or repeats < 0 or max(parameters, repeats) > MAX_DATA_BYTES:
            raise _absurd_size()
        elements = repeats * (parameters + elements)
    total = abs(bitpix) // 8 * elements
    if total > MAX_DATA_BYTES:
        raise _absurd_size()
    return total


def _absurd_size() -> Unreadable:
    return Unreadable("The FITS header declares an impossible image size; write the file again.", kind="bad_header")


def _padded(length: int) -> int:
    return -(-length // BLOCK_BYTES) * BLOCK_BYTES


def _parse_value(text: str) -> Value | None:
    text = text.strip()
    if text.startswith("'"):
        # A missing closing quote leaves the rest of the card. Only trailing blanks are insignificant.
        end = _end_of_quoted(text)
        closed = end > 1 and text[end - 1] == "'"
        return text[1 : end - 1 if closed else end].replace("''", "'").rstrip()
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text.replace("D", "E").replace("d", "e"))
    return None


def _end_of_quoted(text: str) -> int:
    """Index after the closing quote of a text that starts with one; 0 when it starts with none."""
    if not text.startswith("'"):
        return 0
    position = 1
    while position < len(text):
        if text[position] == "'":
            if text[position + 1 : position + 2] != "'":
                return position + 1
            position += 1
        position += 1
    return len(text)
