"""XISF files of capture programs: the first image, with FITS keywords and properties.

Format: PixInsight's XISF Specification 1.0 (https://pixinsight.com/doc/docs/XISF-1.0-spec/XISF-1.0-spec.html),
sections 9 to 11. A monolithic file is a signature, the length of an XML header, the header, then blocks of data, which
``xisf_blocks`` reads.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.formats.contents import FileBytes, FileContents, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival, FrameMeta

from .pixels import fill_invalid
from .xisf_blocks import Block, block_bytes, find_block
from .xisf_header import tag_of, xisf_header

_MAX_HEADER_BYTES = 4 << 20
"""Longest XML header in bytes: headers with long histories have some hundred kilobytes."""
_SAMPLES = {"UInt8": "u1", "UInt16": "u2", "UInt32": "u4", "UInt64": "u8", "Float32": "f4", "Float64": "f8"}
_NUMBER = r"(\d{1,15})"


@dataclass(frozen=True, slots=True)
class XisfImage:
    """The image in an XISF file, and its storage.

    Attributes:
        header: its FITS keywords.
        shape: (height, width).
        planes: number of channels.
        cube: shape of all channels in numpy order, when there are several; else empty.
        sample: numpy type of one sample, with byte order.
        block: its block of data.
        bayer: colour filter array, upper case, or ``None``.
    """

    header: Header
    shape: tuple[int, int]
    planes: int
    cube: tuple[int, ...]
    sample: str
    block: Block
    bayer: str | None


class XisfReader:
    """Reads XISF files."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> XisfImage:
        """Find the first image, by the header alone.

        Raises:
            FrameError: as for :func:`find_xisf_image`.
        """
        return find_xisf_image(read_at, size_bytes, limits)

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Return the contents; the pixels are unpacked later."""
        image: XisfImage = found

        def amend(meta: FrameMeta) -> FrameMeta:
            if image.bayer is None or meta.bayer is not None:
                return meta
            return replace(meta, bayer=image.bayer, sources={**meta.sources, "bayer": "ColorFilterArray"})

        return FileContents(
            headers=(image.header,),
            shape=image.shape,
            cube=image.cube,
            planes=image.planes,
            decode=lambda: xisf_pixels(image, file.data, limits),
            amend=amend,
        )

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the header of the first image.

        Raises:
            FrameError: it is damaged.
        """
        yield (xisf_header_of(read_at),)


def find_xisf_image(read_at: ReadAt, file_bytes: int, limits: Limits) -> XisfImage:
    """Return the first image of an XISF file, by its header.

    Parameters:
        read_at: returns bytes of the file.
        file_bytes: its length.
        limits: limits of the size of an image.

    Raises:
        Unreadable: the header is damaged, or the image lies outside the file.
        Unsupported: this variant of XISF is not read.
    """
    root = _header_root(read_at)
    image = _first_image(root)
    geometry = re.fullmatch(rf"{_NUMBER}:{_NUMBER}:{_NUMBER}", image.get("geometry", "").strip(), re.ASCII)
    sample = _SAMPLES.get(image.get("sampleFormat", "").strip())
    if geometry is None or sample is None:
        raise Unsupported(
            "The image in this XISF file is not two-dimensional, or of complex numbers, which is not read; "
            "give single frames of whole or real numbers.",
            kind="xisf",
        )
    width, height, planes = (int(number) for number in geometry.groups())
    if max(width, height) > limits.max_side_px or width * height * planes > limits.max_pixels:
        raise Unsupported(f"The image of {width} x {height} pixels exceeds the size limit.", kind="too_large")
    if min(width, height) < limits.min_side_px:
        raise Unsupported(f"The image of {width} x {height} pixels is too small to be graded.", kind="too_small")
    interleaved = image.get("pixelStorage", "").strip().lower() == "normal"
    order = ">" if image.get("byteOrder", "little").strip().lower() == "big" else "<"
    return XisfImage(
        header=xisf_header(root, image),
        shape=(height, width),
        planes=planes,
        cube=() if planes == 1 else (height, width, planes) if interleaved else (planes, height, width),
        sample=order + sample,
        block=find_block(image, file_bytes),
        bayer=_bayer_order(image),
    )


def xisf_header_of(read_at: ReadAt) -> Header:
    """Return the header of the first image of an XISF file, also where its pixels cannot be read.

    Raises:
        Unreadable, Unsupported: as for ``find_xisf_image``.
    """
    root = _header_root(read_at)
    return xisf_header(root, _first_image(root))


def xisf_pixels(image: XisfImage, data: NDArray[np.uint8], limits: Limits) -> tuple[Pixels, float]:
    """Return the pixels of an image.

    Parameters:
        image: the result of ``find_xisf_image``.
        data: (N,) all bytes of the file.
        limits: limits of decompression.

    Returns:
        (H * W,) uint16 where the values fit, else float32; and the fraction of pixels without a value.

    Raises:
        Unreadable: the block is damaged, or has another length than the image needs.
        Unsupported: the file is a decompression bomb.
    """
    kind = np.dtype(image.sample)
    needed = image.shape[0] * image.shape[1] * image.planes * kind.itemsize
    block = block_bytes(image.block, data, needed, limits)
    if block.ctypes.data % kind.itemsize:
        # A block may begin at any byte of the file; a copy is aligned.
        block = block.copy()
    stored = block.view(kind)
    # The array may be part of the file, which is still being hashed.
    stored.flags.writeable = False
    if kind.kind == "u" and kind.itemsize <= 2:
        return stored.astype(np.uint16, copy=False), 0.0
    with np.errstate(all="ignore"):
        values = stored.astype(np.float32)
    return values, fill_invalid(values)


def _header_root(read_at: ReadAt) -> ET.Element:
    """Return the root element of the XML header of an XISF file; raise Unreadable when it is cut off or damaged."""
    length = int.from_bytes(read_at(8, 4), "little")
    text = read_at(16, min(length, _MAX_HEADER_BYTES))
    if len(text) < length:
        raise Unreadable("The header of the XISF file is cut off or far too long.", kind="bad_header")
    # Entities could expand without limit, and another encoding could hide them.
    if b"<!" in text.replace(b"<!--", b"") or b"\0" in text.rstrip(b"\0"):
        raise Unreadable("The header of the XISF file holds what no capture program writes.", kind="bad_header")
    text = text.rstrip(b"\0")
    if not re.match(rb"[^>]*encoding=[\"'](?!utf-8)", text[:200].lower()):
        # The specification requires UTF-8; some programs on Windows write code page 1252 without declaring it.
        text = _header_as_utf8(text)
    try:
        return ET.fromstring(text)  # noqa: S314  entities were refused above
    except (ET.ParseError, ValueError, LookupError, RecursionError) as error:
        raise Unreadable("The header of the XISF file is damaged; write the file again.", kind="bad_header") from error


def _header_as_utf8(text: bytes) -> bytes:
    """Return the XISF header text as UTF-8, converted from code page 1252 if it is not valid UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "ignore").encode("utf-8")
    return text


def _first_image(root: ET.Element) -> ET.Element:
    """Return the first Image element of the XISF header; raise Unsupported when there is none."""
    for element in root:
        if tag_of(element) == "Image":
            return element
    raise Unsupported("The XISF file holds no image; nothing to do.", kind="no_image")


def _bayer_order(image: ET.Element) -> str | None:
    """Return the Bayer order of an XISF image from its ColorFilterArray element; ``None`` when it has none."""
    for element in image:
        if tag_of(element) == "ColorFilterArray":
            pattern = element.get("pattern", "").strip().upper()
            return pattern if re.fullmatch("RGGB|BGGR|GRBG|GBRG", pattern) else None
    return None
