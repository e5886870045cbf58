"""Camera raw files, which the extra ``raw`` reads through LibRaw."""

from __future__ import annotations

from ..row import Format, Magic

RAW_ENDINGS = (".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef", ".srw")
RAW_MAGICS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"II*\0\x10\0\0\0CR")
"""First bytes of Olympus (3), Panasonic, Fujifilm and Canon CR2. NEF, ARW, PEF and others begin as TIFF does, so that
the reader of TIFF hands them on."""
CR3_MAGIC, CR3_OFFSET = b"ftypcrx ", 4
"""Canon CR3: an ISO base media file of the brand ``crx``."""

CAMERA_RAW = Format(
    "camera raw files", "a camera raw file", RAW_ENDINGS,
    (*(Magic(content) for content in RAW_MAGICS), Magic(CR3_MAGIC, CR3_OFFSET)),
    reader="astro_monitor.read.raw:RawReader", package="rawpy", extra="raw",
)  # fmt: skip

FORMATS = (CAMERA_RAW,)
