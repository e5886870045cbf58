"""Kinds of files in capture folders, by the ending of their names: which are read, and advice for the others.

Log files, texts and tables are left out: users do not expect them to be graded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

FITS_ENDINGS = (".fit", ".fits", ".fts", ".fit.fz", ".fits.fz")
"""FITS files that are not gzip files: their header declares their length."""
RAW_ENDINGS = (".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef", ".srw")
_WRITE_FITS = "let the capture program write FITS"
_UNPACK = "unpack them, or compress FITS files by gzip or Rice"
_PACKED = (".bz2", ".xz", ".zst", ".z", ".zip", ".7z", ".rar")


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: plural, such as ``SER videos``.
        singular: singular with its article, such as ``a SER video``.
        endings: of the file names, in lower case.
        advice: what to do instead, for kinds that are not read.
        package: the optional package that reads them, empty when none is needed.
        extra: the extra that installs it.
    """

    name: str
    singular: str
    endings: tuple[str, ...]
    advice: str = ""
    package: str = ""
    extra: str = ""

    @property
    def is_read(self) -> bool:
        """Whether files of this kind are read on this computer."""
        return not self.advice and (not self.package or _is_installed(self.package))

    @property
    def sentence(self) -> str:
        """Why files of this kind are not read, and what to do, without a full stop."""
        if self.package:
            return f"{self.name} need the extra {self.extra!r}: run pip install 'astro-monitor[{self.extra}]'"
        return f"{self.name} are not read; {self.advice}"


CAMERA_RAW = FileKind("camera raw files", "a camera raw file", RAW_ENDINGS, package="rawpy", extra="raw")
SER = FileKind("SER videos", "a SER video", (".ser",), "let the capture program write single FITS frames")
AVI = FileKind("AVI videos", "an AVI video", (".avi",), "let the capture program write single FITS frames")
VIDEO = FileKind(
    "videos", "a video", (".mp4", ".m4v", ".mov", ".mkv", ".wmv", ".mpg", ".mpeg", ".webm", ".mts", ".adv", ".aav"),
    "let the capture program write single FITS frames",
)  # fmt: skip
JPEG = FileKind(
    "JPEG pictures", "a JPEG picture", (".jpg", ".jpeg", ".jpe"),
    "let the camera write raw files, or the capture program FITS",
)  # fmt: skip
PNG = FileKind("PNG pictures", "a PNG picture", (".png",), _WRITE_FITS)
PICTURE = FileKind(
    "pictures of this kind", "an image in a format that is not used for measurements",
    (".bmp", ".gif", ".webp", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".tga", ".psd", ".pbm", ".pgm", ".ppm",
     ".pnm", ".pic", ".exr", ".hdr"),
    _WRITE_FITS,
)  # fmt: skip
OTHER_FRAMES = FileKind(
    "frames in this format", "an image in a rare format",
    (".asdf", ".xisb", ".xosm", ".imh", ".st4", ".st7", ".st8", ".st9", ".st10", ".sbig", ".cpa", ".x3f", ".3fr",
     ".iiq", ".pxi", ".hdf5", ".h5"),
    _WRITE_FITS,
)  # fmt: skip
PACKED = FileKind(
    "archives and packed frames", "an archive or a packed frame",
    (*(f"{fits}{packed}" for fits in (".fit", ".fits", ".fts", ".xisf") for packed in _PACKED),
     ".xisf.gz", ".tif.gz", ".tiff.gz", ".zip", ".7z", ".rar", ".tar", ".tgz"),
    _UNPACK,
)  # fmt: skip

KINDS = (
    FileKind("FITS files", "a FITS file", (*FITS_ENDINGS, ".fit.gz", ".fits.gz", ".fts.gz")),
    FileKind("XISF files", "an XISF file", (".xisf",)),
    FileKind("TIFF files", "a TIFF file", (".tif", ".tiff")),
    CAMERA_RAW, SER, AVI, VIDEO, JPEG, PNG, PICTURE, OTHER_FRAMES, PACKED,
)  # fmt: skip


@cache
def frame_endings() -> tuple[str, ...]:
    """Return the endings of all files that are read on this computer, in lower case."""
    return tuple(ending for kind in KINDS if kind.is_read for ending in kind.endings)


def kind_not_read(name: str) -> FileKind | None:
    """Return the kind of a file that is not read on this computer; ``None`` when it is read or its kind is unknown.

    Parameters:
        name: name of the file.
    """
    ending = _longest_ending(name.lower())
    kind = _UNREAD.get(ending)
    return None if kind is None or kind.is_read else kind


def _longest_ending(lower: str) -> str:
    """Return the ending: ``.fits.bz2`` of ``a.b.fits.bz2``, ``.jpg`` of ``a.b.jpg``; two parts where both are known."""
    parts = lower.rsplit(".", 2)
    if len(parts) == 3 and f".{parts[1]}.{parts[2]}" in _UNREAD:
        return f".{parts[1]}.{parts[2]}"
    return f".{parts[-1]}" if len(parts) > 1 else ""


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None


_UNREAD = {ending: kind for kind in KINDS if kind.advice or kind.package for ending in kind.endings}
