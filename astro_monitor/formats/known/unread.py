"""Formats that are not read, and what to do about files of them.

Log files, texts and tables are not listed here: users do not expect them to be graded.
"""

from __future__ import annotations

from ..row import Format, Magic

_SINGLE_FRAMES = "let the capture program write single FITS frames"
_WRITE_FITS = "let the capture program write FITS"
_UNPACK = "unpack them, or compress FITS files by gzip or Rice"
_PACKED = (".bz2", ".xz", ".zst", ".z", ".zip", ".7z", ".rar")

FORMATS = (
    Format("SER videos", "a SER video", (".ser",), (Magic(b"LUCAM-RECORDER"),), advice=_SINGLE_FRAMES),
    Format("AVI videos", "an AVI video", (".avi",), (Magic(b"AVI ", 8),), advice=_SINGLE_FRAMES),
    Format(
        "videos", "a video",
        (".mp4", ".m4v", ".mov", ".mkv", ".wmv", ".mpg", ".mpeg", ".webm", ".mts", ".adv", ".aav"),
        (Magic(b"ftyp", 4), Magic(b"\x1aE\xdf\xa3")), advice=_SINGLE_FRAMES,
    ),
    Format(
        "JPEG pictures", "a JPEG picture", (".jpg", ".jpeg", ".jpe"), (Magic(b"\xff\xd8\xff"),),
        advice="let the camera write raw files, or the capture program FITS",
    ),
    Format("PNG pictures", "a PNG picture", (".png",), (Magic(b"\x89PNG"),), advice=_WRITE_FITS),
    Format(
        "pictures of this kind", "an image in a format that is not used for measurements",
        (".bmp", ".gif", ".webp", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".tga", ".psd", ".pbm", ".pgm",
         ".ppm", ".pnm", ".pic", ".exr", ".hdr"),
        (Magic(b"WEBP", 8), Magic(b"GIF8"), Magic(b"8BPS"), Magic(b"ftypheic", 4), Magic(b"ftypmif1", 4),
         Magic(b"ftypavif", 4)),
        advice=_WRITE_FITS,
    ),
    Format(
        "frames in this format", "an image in a rare format",
        (".asdf", ".xisb", ".xosm", ".imh", ".st4", ".st7", ".st8", ".st9", ".st10", ".sbig", ".cpa", ".x3f", ".3fr",
         ".iiq", ".pxi", ".hdf5", ".h5"),
        (Magic(b"\x89HDF\r\n"), Magic(b"#ASDF")), advice=_WRITE_FITS,
    ),
    Format(
        "archives and packed frames", "an archive or a packed frame",
        (*(f"{fits}{packed}" for fits in (".fit", ".fits", ".fts", ".xisf") for packed in _PACKED),
         ".xisf.gz", ".tif.gz", ".tiff.gz", ".zip", ".7z", ".rar", ".tar", ".tgz"),
        (Magic(b"PK\3\4"), Magic(b"7z\xbc\xaf\x27\x1c"), Magic(b"Rar!\x1a\7"), Magic(b"BZh"), Magic(b"\xfd7zXZ\0"),
         Magic(b"\x28\xb5\x2f\xfd"), Magic(b"\x1f\x9d")),
        advice=_UNPACK,
    ),
)  # fmt: skip
