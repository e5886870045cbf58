"""The bounded FITS header scanner: how long a FITS file says it is, and what its header cards hold.

Pure Python on the standard library, so that the watcher can ask for a length without loading an array
library. Nothing in a file is believed: headers are at most 200 blocks long, data units at most
``MAX_DATA_BYTES``, and no allocation ever depends on a number found in the file.

Layout and cards follow sections 3 and 4 of the FITS Standard 4.0
(https://fits.gsfc.nasa.gov/fits_standard.html). What real programs write besides is understood where its meaning is
plain: keywords in lower case, HIERARCH cards, texts without quotes, text in UTF-8 or in the Western code page of
Windows, and NUL bytes where blanks belong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from astro_monitor.errors import Incomplete, Unreadable, Unsupported

BLOCK_BYTES = 2880
"""Size of a block (FITS Standard 4.0, section 3.1)."""
CARD_BYTES = 80
"""Size of a header card (FITS Standard 4.0, section 3.3.1)."""
MAX_HEADER_BLOCKS = 200
"""36 cards each: 7,200 cards, 576,000 bytes. Real headers have one to twenty blocks."""
MAX_HDUS = 256
"""More than any mosaic camera has detectors."""
MAX_HEADERS_BYTES = 1024 * BLOCK_BYTES
"""All headers of one file together; bounds the time a file made of headers can cost."""
MAX_CONTINUED = 32
"""CONTINUE cards that are read for one keyword: texts of about 2,000 letters."""
MAX_AXES = 999
"""Largest NAXIS (FITS Standard 4.0, section 4.4.1.1)."""
MAX_DATA_BYTES = 1 << 40
"""One terabyte in one data unit: a header that states more is damaged."""
LEGAL_BITPIX = (8, 16, 32, 64, -32, -64)
"""Values of BITPIX (FITS Standard 4.0, table 8)."""

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
        cards: for each keyword in upper case its text after ``= ``, and that of the CONTINUE cards below it.
            HIERARCH keywords are their words with single blanks (``ESO DPR TYPE``). Where a keyword occurs twice,
            the first one with a value counts, as in the common libraries. Bytes are kept as Latin-1 letters.
        remarks: the text of COMMENT and HISTORY cards.
    """

    cards: dict[str, tuple[str, ...]]
    remarks: tuple[str, ...] = ()

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.cards

    def value(self, keyword: str) -> Value | None:
        """Return the value of a keyword, or ``None`` when it is absent or blank.

        What is neither a number nor a logical value is text, with or without quotes.
        """
        parts = self.cards.get(keyword)
        if parts is None:
            return None
        value = _parse_value(parts[0])
        for part in parts[1:]:
            more = _parse_value(part)
            if not isinstance(value, str) or not value.endswith("&") or not isinstance(more, str):
                break
            value = value[:-1] + more
        return readable(value).rstrip() if isinstance(value, str) else value

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return a keyword that the layout of the file depends on.

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
        """Return the remark after the value of a keyword, or an empty text."""
        parts = self.cards.get(keyword)
        if parts is None:
            return ""
        text = parts[0]
        start = _end_of_quoted(text.lstrip()) + len(text) - len(text.lstrip())
        slash = text.find("/", start)
        return "" if slash < 0 else readable(text[slash + 1 :].replace("\0", " ")).strip()


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
        return self.data_offset + _padded_to_blocks(self.data_bytes)

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


def scan_hdus(read_at: ReadAt) -> Iterator[Hdu]:
    """Walk the headers of a FITS file, one HDU (header and data unit) after the other.

    Parameters:
        read_at: gives bytes of the file.

    Yields:
        Each HDU, before its data are looked at. The walk ends where no extension follows.

    Raises:
        Incomplete: a header has no END yet, the file is empty, or it begins with zeros to be filled later.
        Unreadable: this is no FITS file, or its header makes no sense (``kind`` tells which).
        Unsupported: more parts than any camera writes.
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
    """Return one HDU of a FITS file: its header, and offset and length of its data."""
    header, length = _read_header(read_at, offset)
    return Hdu(
        index=index,
        header=header,
        header_offset=offset,
        data_offset=offset + length,
        data_bytes=_data_bytes(header, primary=index == 0),
    )


def _read_header(read_at: ReadAt, offset: int) -> tuple[Header, int]:
    """Return the FITS header at an offset and its length in bytes; raise Incomplete while END is missing."""
    collected = _Cards()
    zeros = False
    for number in range(MAX_HEADER_BLOCKS):
        block = read_at(offset + number * BLOCK_BYTES, BLOCK_BYTES)
        if offset == 0 and number == 0:
            _check_magic(block)
        if not block.strip(b"\0"):
            raise _no_end_yet()
        for start in range(0, len(block) - CARD_BYTES + 1, CARD_BYTES):
            card = block[start : start + CARD_BYTES]
            # What follows a NUL was left in the buffer of a program that ends its texts so.
            if card[:3] in (b"END", b"end") and not card[3:].partition(b"\0")[0].strip():
                return collected.header(), (number + 1) * BLOCK_BYTES
            # Some programs pad with zeros where the standard wants blanks; others fill such cards later.
            zeros = zeros or card[0] == 0
            collected.add(card.decode("latin-1"))
        if len(block) < BLOCK_BYTES:
            raise _no_end_yet()
    if zeros:
        raise _no_end_yet()
    raise Unreadable(
        f"The FITS header has no END in its first {MAX_HEADER_BLOCKS * 36} cards; write the file again.",
        kind="bad_header",
    )


class _Cards:
    """Cards of one header as they come, one after the other."""

    def __init__(self) -> None:
        self._standard: dict[str, tuple[str, ...]] = {}
        # Lower-case and HIERARCH keywords never hide one that follows the standard.
        self._other: dict[str, tuple[str, ...]] = {}
        self._remarks: list[str] = []
        self._current: tuple[dict[str, tuple[str, ...]], str] | None = None

    def add(self, text: str) -> None:
        """Take the next card, 80 letters."""
        head = text[:10].replace("\0", " ")
        keyword = head[:8].rstrip()
        if keyword == "CONTINUE":
            if self._current is not None:
                cards, name = self._current
                if len(cards[name]) <= MAX_CONTINUED:
                    cards[name] = (*cards[name], text[8:])
            return
        self._current = None
        if keyword in ("COMMENT", "HISTORY"):
            self._remarks.append(readable(text[8:].replace("\0", " ")).rstrip())
        elif head[8:] == "= " or (head[8] == "=" and text[9:].strip(" \0")):
            upper = keyword.upper()
            self._put_card(self._standard if upper == keyword else self._other, upper, text[9:])
        elif keyword == "HIERARCH" and "=" in text:
            name, _, value = text[9:].partition("=")
            self._put_card(self._other, " ".join(name.replace("\0", " ").upper().split()), value)

    def header(self) -> Header:
        """Return the header when END has come."""
        return Header({**self._other, **self._standard}, tuple(self._remarks))

    def _put_card(self, cards: dict[str, tuple[str, ...]], keyword: str, text: str) -> None:
        """Keep the value text of a FITS keyword, unless an earlier card of this keyword has a value."""
        if keyword not in cards or _parse_value(cards[keyword][0]) is None:
            cards[keyword] = (text,)
            self._current = (cards, keyword)


def _check_magic(block: bytes) -> None:
    """Raise an error unless the first block of the file begins like FITS, with SIMPLE = T."""
    if not block or not block.strip(b"\0"):
        raise Incomplete("The file is still empty; it will be tried again when it grows.")
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
    """Return the error for a FITS header whose END is not written yet."""
    return Incomplete("The FITS header has no END yet; the file will be tried again when it grows.")


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
    """Return the error for a FITS header that declares an image size out of bounds."""
    return Unreadable("The FITS header declares an impossible image size; write the file again.", kind="bad_header")


def _padded_to_blocks(length: int) -> int:
    """Return a length in bytes rounded up to whole FITS blocks."""
    return -(-length // BLOCK_BYTES) * BLOCK_BYTES


def _parse_value(text: str) -> Value | None:
    """Return the value in the text of a FITS card, without quotes and comment; ``None`` when it has none."""
    text = text.strip(" \0")
    if text.startswith("'"):
        # A missing closing quote leaves the rest of the card. Only trailing blanks are insignificant.
        end = _end_of_quoted(text)
        closed = end > 1 and text[end - 1] == "'"
        return text[1 : end - 1 if closed else end].replace("''", "'").replace("\0", " ").rstrip()
    if text[:1] == '"' and '"' in text[1:]:
        return text[1 : text.index('"', 1)].replace("\0", " ").rstrip()
    # What follows a NUL was left in the buffer of a program that ends its texts so.
    text = text.partition("/")[0].partition("\0")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text.replace("D", "E").replace("d", "e"))
    return text or None


def readable(text: str) -> str:
    """Return a text as its writer meant it, from its bytes read as Latin-1.

    The standard allows ASCII only; programs write UTF-8 or the code page of Western Windows, which holds Latin-1.

    Parameters:
        text: one letter a byte. A text with other letters was decoded before and is returned as it is.
    """
    if text.isascii():
        return text
    try:
        coded = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    try:
        return coded.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            # The card ended within a letter.
            return coded[: error.start].decode("utf-8")
    return coded.decode("cp1252", "ignore")


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
