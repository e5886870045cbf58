"""XISF, the format of PixInsight and of N.I.N.A.: its header says where data lie, not how long the file is."""

from __future__ import annotations

import re

from ...fitsheader import ReadAt
from ..row import Declared, Format, Magic

XISF_MAGIC = b"XISF0100"
MAX_XML_BYTES = 1 << 20
"""Bytes of the XML header that are searched for places of data; headers of capture programs are shorter."""
_ATTACHMENT = re.compile(rb"""location\s*=\s*["']attachment:(\d{1,18}):(\d{1,18})""")


def xisf_data(read_at: ReadAt, size_bytes: int) -> Declared:
    """Return where the data blocks lie, behind some zeros.

    The layout: 8 bytes ``XISF0100``, the header's length as 4 bytes, 4 reserved ones, the header (XISF 1.0, 9.2).

    Parameters:
        read_at: gives bytes of the file.
        size_bytes: its length now.
    """
    start = read_at(0, 16)
    if start[:8] != XISF_MAGIC:
        return Declared()
    header = read_at(16, min(int.from_bytes(start[8:12], "little"), MAX_XML_BYTES))
    blocks = [(int(begin), int(begin) + int(length)) for begin, length in _ATTACHMENT.findall(header)]
    if not blocks:
        return Declared()
    return Declared(data_offset=min(begin for begin, _ in blocks), data_end=max(end for _, end in blocks))


FORMATS = (
    Format(
        "XISF files", "an XISF file", (".xisf",), (Magic(XISF_MAGIC),), reader="astro_monitor.read.xisf:XisfReader",
        completeness=xisf_data,
    ),
)  # fmt: skip
