"""Data blocks of XISF files: their location, decompression and checksums.

Format: PixInsight's XISF Specification 1.0 (https://pixinsight.com/doc/docs/XISF-1.0-spec/XISF-1.0-spec.html),
section 10: location, compression, sub-blocks, byte shuffling, checksums. Nothing is decompressed beyond the size of the
image, whatever the compressed bytes declare.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.formats.limits import Limits

from .gunzip import refuse_bomb

Bytes = NDArray[np.uint8]

_NUMBER = r"(\d{1,15})"
_COMPRESSION = re.compile(rf"([a-z0-9-]{{1,12}}?)(\+sh)?:{_NUMBER}(?::{_NUMBER})?", re.ASCII)
_MAX_SUBBLOCKS = 65_536
"""Most sub-blocks. Writers split a block above 4 GB, or once per thread."""
_MAX_ITEM_BYTES = 16
"""Largest sample in bytes: a complex number of two 64-bit floats."""
_MAX_ZSTD_WINDOW_BYTES = 1 << 27
"""Largest window in bytes: above it, the zstd program itself refuses to decompress by default."""
_CHECKSUMS = {"sha1": "sha1", "sha256": "sha256", "sha512": "sha512", "sha3256": "sha3_256", "sha3512": "sha3_512"}
"""Name of the hash in ``hashlib`` by its name in XISF without hyphens."""


@dataclass(frozen=True, slots=True)
class Block:
    """Location and storage of the bytes of an image.

    Attributes:
        start, length: position in the file, in bytes; unused when the bytes are in the header.
        text: the bytes when they are in the header (``inline`` and ``embedded``), else ``None``.
        codec: empty, ``zlib``, ``lz4`` or ``zstd``.
        item_bytes: length of the items whose bytes are shuffled; 0 when they are not.
        parts: (packed, inflated) lengths in bytes of the sub-blocks; empty when there is only one.
        checksum: name of a hash in ``hashlib`` and its value in hex digits for the block as stored; both may be empty.
    """

    start: int
    length: int
    text: bytes | None = field(repr=False)
    codec: str
    item_bytes: int
    parts: tuple[tuple[int, int], ...]
    checksum: tuple[str, str]


def find_block(element: ET.Element, file_bytes: int) -> Block:
    """Return the data block that the attributes of an element describe.

    Parameters:
        element: such as ``Image``.
        file_bytes: length of the file.

    Raises:
        Unreadable: the attributes contradict themselves, or the block lies outside the file.
        Unsupported: the location or codec is not read.
    """
    start, length, text = _block_location(element, file_bytes)
    # The attributes of an embedded block are on the element with the text.
    data_element = next((child for child in element if str(child.tag).rpartition("}")[2] == "Data"), element)
    source = data_element if element.get("location", "") == "embedded" else element
    codec, item_bytes = _compression(source.get("compression", "").strip())
    parts = _subblocks(source.get("subblocks", "").strip(), length) if codec else ()
    return Block(start, length, text, codec, item_bytes, parts, _checksum(source.get("checksum", "").strip()))


def block_bytes(block: Block, file: Bytes, needed: int, limits: Limits) -> Bytes:
    """Return the bytes of a block, decompressed and unshuffled.

    Parameters:
        block: the result of ``find_block``.
        file: (N,) all bytes of the file.
        needed: length of the image in bytes.
        limits: limits of decompression.

    Returns:
        (needed,) bytes. They share memory with ``file`` when the block is not compressed.

    Raises:
        Unreadable: the block is damaged, or has another length than the image needs.
        Unsupported: the block would grow out of proportion (kind ``bomb``).
    """
    stored = file[block.start : block.start + block.length] if block.text is None else np.frombuffer(block.text, "u1")
    _verify_checksum(block, stored)
    if block.codec:
        refuse_bomb(needed, len(stored), limits)
        stored = _decompressed_block(block, stored, needed)
    if len(stored) != needed:
        raise Unreadable(
            "The image has another length than its header declares; write the file again.", kind="truncated"
        )
    return unshuffled(stored, block.item_bytes) if block.item_bytes > 1 else stored


def unshuffled(shuffled: Bytes, item_bytes: int) -> Bytes:
    """Return bytes in their original order that were shuffled by significance.

    Parameters:
        shuffled: (N,) first bytes of all items, then all second bytes, and so on; then a remainder below one item.
        item_bytes: length of an item.

    Returns:
        (N,) bytes, new.
    """
    items = len(shuffled) // item_bytes
    whole = items * item_bytes
    out = np.empty(len(shuffled), np.uint8)
    ordered = out[:whole].reshape(items, item_bytes)
    for byte in range(item_bytes):
        ordered[:, byte] = shuffled[byte * items : (byte + 1) * items]
    out[whole:] = shuffled[whole:]
    return out


def _block_location(element: ET.Element, file_bytes: int) -> tuple[int, int, bytes | None]:
    """Return offset and length of an XISF data block in the file; or 0, its length, and its bytes from the header."""
    location = element.get("location", "").strip()
    attached = re.fullmatch(rf"attachment:{_NUMBER}:{_NUMBER}", location, re.ASCII)
    if attached is not None:
        start, length = int(attached[1]), int(attached[2])
        if start + length > file_bytes:
            raise Unreadable("The file ends inside its image: it was cut off; copy it again.", kind="truncated")
        return start, length, None
    if location.startswith("inline:"):
        return _block_in_header(location.removeprefix("inline:"), element.text)
    if location == "embedded":
        for child in element:
            if str(child.tag).rpartition("}")[2] == "Data":
                return _block_in_header(child.get("encoding", ""), child.text)
    raise Unsupported(
        "The pixels of this XISF file are kept in another file, which is not read; save the image as one .xisf file.",
        kind="xisf",
    )


def _block_in_header(encoding: str, text: str | None) -> tuple[int, int, bytes]:
    """Return 0, the length, and the bytes of an XISF data block that the header holds as base64 or hexadecimal text."""
    letters = "".join((text or "").split())
    try:
        data = base64.b64decode(letters, validate=True) if encoding == "base64" else bytes.fromhex(letters)
    except (binascii.Error, ValueError) as error:
        raise _damaged_error() from error
    return 0, len(data), data


def _compression(text: str) -> tuple[str, int]:
    """Return the codec of an XISF compression attribute, and the item length of its byte shuffling (0 for none)."""
    if not text:
        return "", 0
    match = _COMPRESSION.fullmatch(text)
    codec = {"lz4hc": "lz4"}.get(match[1], match[1]) if match else ""
    if match is None or codec not in _CODECS:
        raise Unsupported(
            f"The image is compressed by {text.partition(':')[0][:20]!r}, which is not read; "
            "let the capture program use zlib, lz4, lz4hc, zstd or no compression.",
            kind="codec",
        )
    item_bytes = int(match[4] or 0) if match[2] else 0
    if match[2] and not 1 <= item_bytes <= _MAX_ITEM_BYTES:
        raise _impossible_attribute("compression")
    return codec, item_bytes


def _subblocks(text: str, length: int) -> tuple[tuple[int, int], ...]:
    """Return the (packed, decompressed) lengths of the parts of an XISF data block from its attribute."""
    pieces = text.split(":") if text else []
    pairs = [re.fullmatch(rf"{_NUMBER},{_NUMBER}", piece, re.ASCII) for piece in pieces[: _MAX_SUBBLOCKS + 1]]
    parts = tuple((int(pair[1]), int(pair[2])) for pair in pairs if pair is not None)
    if len(parts) < len(pieces) or (parts and sum(packed for packed, _ in parts) != length):
        raise _impossible_attribute("subblocks")
    return parts


def _checksum(text: str) -> tuple[str, str]:
    """Return algorithm and digest of an XISF checksum attribute; two empty texts for an unknown algorithm."""
    if not text:
        return "", ""
    name, _, digest = text.partition(":")
    name = _CHECKSUMS.get(name.strip().lower().replace("-", "").replace("_", ""), "")
    # An unknown checksum algorithm is no reason to refuse the pixels.
    return (name, digest.strip().lower()) if name else ("", "")


def _verify_checksum(block: Block, stored: Bytes) -> None:
    """Raise Unreadable if the stored bytes of an XISF data block do not match its checksum."""
    name, digest = block.checksum
    if name and hashlib.new(name, stored.data, usedforsecurity=False).hexdigest() != digest:
        raise Unreadable(
            "The pixels do not match the checksum in the header: the file was damaged or cut; copy it again.",
            kind="checksum",
        )


def _decompressed_block(block: Block, stored: Bytes, needed: int) -> Bytes:
    """Return the decompressed bytes of an XISF data block, all of its parts joined."""
    parts = block.parts or ((len(stored), needed),)
    if sum(inflated for _, inflated in parts) != needed:
        raise _impossible_attribute("subblocks")
    if len(parts) == 1:
        return _decompressed_part(block.codec, stored, needed)
    out = np.empty(needed, np.uint8)
    read_bytes = written_bytes = 0
    for packed, inflated in parts:
        part = _decompressed_part(block.codec, stored[read_bytes : read_bytes + packed], inflated)
        out[written_bytes : written_bytes + inflated] = part
        read_bytes += packed
        written_bytes += inflated
    return out


def _decompressed_part(codec: str, packed: Bytes, inflated: int) -> Bytes:
    """Return one decompressed part of an XISF data block; raise Unreadable when it has another length than declared."""
    try:
        data = _CODECS[codec](packed, inflated)
    except (zlib.error, ValueError) as error:
        raise _damaged_error() from error
    if len(data) != inflated:
        raise _damaged_error()
    return data


def _from_zlib(packed: Bytes, inflated: int) -> Bytes:
    """Return the decompressed bytes of a zlib stream; raise ValueError when it does not end as declared."""
    stream = zlib.decompressobj()
    data = stream.decompress(packed.data, inflated + 1)
    if not stream.eof:
        raise ValueError("the stream does not end where it should")
    return np.frombuffer(data, np.uint8)


def _from_lz4(packed: Bytes, inflated: int) -> Bytes:
    """Return the decompressed bytes of an lz4 block; raise ValueError when it is damaged."""
    import lz4.block

    try:
        return np.frombuffer(lz4.block.decompress(packed.data, uncompressed_size=inflated), np.uint8)
    except lz4.block.LZ4BlockError as error:
        raise ValueError("damaged lz4 block") from error


def _from_zstd(packed: Bytes, inflated: int) -> Bytes:
    """Return the decompressed bytes of a zstd frame; raise ValueError when it is damaged or longer than declared."""
    import zstandard

    # A frame may declare any size: it is decompressed into memory of the size of the image.
    out = np.empty(inflated, np.uint8)
    filled = 0
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW_BYTES).stream_reader(packed.data)
        while filled < inflated and (count := reader.readinto(out[filled:].data)):
            filled += count
        if reader.read(1):
            raise ValueError("the frame does not end where it should")
    except zstandard.ZstdError as error:
        raise ValueError("damaged zstd frame") from error
    return out[:filled]


_CODECS: dict[str, Callable[[Bytes, int], Bytes]] = {"zlib": _from_zlib, "lz4": _from_lz4, "zstd": _from_zstd}


def _damaged_error() -> Unreadable:
    """Return the error for a compressed XISF image that is damaged."""
    return Unreadable("The compressed image is damaged; copy the file again.", kind="corrupt_xisf")


def _impossible_attribute(attribute: str) -> Unreadable:
    """Return the error for an attribute of the XISF header that has an impossible value."""
    return Unreadable(
        f"The header of the XISF file has an impossible {attribute}; write the file again.", kind="bad_header"
    )
