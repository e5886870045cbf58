"""Search for the image in a FITS file, and check that it can be graded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from astro_monitor.errors import FrameError, Unreadable, Unsupported
from astro_monitor.fitsheader import LEGAL_BITPIX, Hdu, Header, ReadAt, scan_hdus
from astro_monitor.formats.limits import Limits

from .pixels import Scaling


@dataclass(frozen=True, slots=True)
class Image:
    """The image in a FITS file.

    Attributes:
        hdu: the HDU that holds it.
        primary: header of the primary HDU, where many programs write what concerns the whole file.
        shape: (height, width).
        cube: lengths of all axes in numpy order, the slowest first, when there are more than two; else empty.
        scaling: storage of its numbers.
        tiled: whether it is tile-compressed (FITS Standard 4.0, section 10.1).
    """

    hdu: Hdu
    primary: Header
    shape: tuple[int, int]
    cube: tuple[int, ...]
    scaling: Scaling
    tiled: bool

    @property
    def planes(self) -> int:
        """Number of images in a cube; 1 for a single image."""
        return math.prod(self.cube) // math.prod(self.shape) if self.cube else 1

    @property
    def pixel_bytes(self) -> int:
        """Length of one uncompressed plane in bytes. The data unit may be longer, by parameters that are not used."""
        return self.shape[0] * self.shape[1] * abs(self.scaling.bitpix) // 8


def find_image(read_at: ReadAt, limits: Limits) -> Image:
    """Return the first image of a FITS file that can be a frame.

    Parameters:
        read_at: returns bytes of the file.
        limits: limits of the size of an image.

    Raises:
        Incomplete, Unreadable: as of the header scanner.
        Unsupported: the file is intact, but holds no such image; the kind says what it holds instead.
    """
    primary: Header | None = None
    why_not: FrameError | None = None
    for hdu in scan_hdus(read_at):
        primary = primary or hdu.header
        try:
            return _image_in(hdu, primary, limits)
        except FrameError as error:
            # The error of the first HDU with data is the informative one; HDUs without data explain nothing.
            if why_not is None or why_not.kind == "no_image":
                why_not = error
    raise why_not or _no_image_error()


def _image_in(hdu: Hdu, primary: Header, limits: Limits) -> Image:
    """Return the image of a FITS HDU with shape and scaling; raise Unsupported for tables and other data."""
    tiled = hdu.extension == "BINTABLE" and hdu.header.value("ZIMAGE") is True
    if hdu.extension in ("BINTABLE", "TABLE", "A3DTABLE") and not tiled:
        raise Unsupported("The file holds a table, not an image; nothing to do.", kind="table")
    if hdu.extension not in ("PRIMARY", "IMAGE", "BINTABLE"):
        raise _no_image_error()
    prefix = "Z" if tiled else ""
    axes = _declared_axes(hdu.header, prefix)
    if not axes or (hdu.data_bytes == 0 and not hdu.header.value("GROUPS")):
        raise _no_image_error()
    if hdu.header.value("GROUPS") is True and hdu.index == 0:
        raise Unsupported(
            "The file holds random groups (radio data), not an image; nothing to do.", kind="random_groups"
        )
    if len(axes) < 2:
        raise Unsupported("The image has one dimension only; give two-dimensional frames.", kind="one_dimensional")
    shape, cube = image_axes(axes)
    _check_size(shape, cube, limits)
    scaling = _scaling(hdu.header, prefix)
    if tiled:
        _check_tiles(hdu, axes)
    return Image(hdu, primary, shape, cube, scaling, tiled)


def image_axes(axes: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Split the axes into the two of the image and those that count planes.

    Axes of length one are ignored. Of three or more, the two longest form the image: programs store colours last, first
    or in the middle.

    Parameters:
        axes: lengths as in the header, the fastest axis first; at least two.

    Returns:
        (height, width) of one plane; and the shape of the whole cube in numpy order, the slowest axis first, empty
        when there is one plane only.
    """
    longer = [length for length in axes if length != 1]
    if len(longer) < 2:
        return (axes[1], axes[0]), ()
    if len(longer) == 2:
        return (longer[1], longer[0]), ()
    width, height = (longer[number] for number in sorted(sorted(range(len(longer)), key=lambda n: -longer[n])[:2]))
    return (height, width), tuple(reversed(axes))


def _declared_axes(header: Header, prefix: str) -> tuple[int, ...]:
    """Return the lengths of the image axes that the FITS header declares, the fastest axis first."""
    count = header.integer(f"{prefix}NAXIS")
    if not 0 <= count <= 9:
        raise Unsupported("The image has more than nine dimensions; give single frames.", kind="cube")
    axes = tuple(header.integer(f"{prefix}NAXIS{number}") for number in range(1, count + 1))
    if any(length < 0 for length in axes):
        raise Unreadable("The header declares a negative size; write the file again.", kind="bad_header")
    return axes


def _check_size(shape: tuple[int, int], cube: tuple[int, ...], limits: Limits) -> None:
    """Raise Unsupported if the FITS image is larger than the limits, or too small to be graded."""
    size = f"a cube of shape {cube}" if cube else f"{shape[1]} x {shape[0]} pixels"
    if max(shape) > limits.max_side_px or math.prod(cube or shape) > limits.max_pixels:
        raise Unsupported(
            f"The image is {size}, more than is read; raise the limit if a camera made it.", kind="too_large"
        )
    if min(shape) < limits.min_side_px:
        raise Unsupported(
            f"The image is {size}, too small to be graded; give frames of at least {limits.min_side_px} pixels a side.",
            kind="too_small",
        )


def _scaling(header: Header, prefix: str) -> Scaling:
    """Return the layout and scaling of the stored FITS values from the header: BITPIX, BZERO, BSCALE and BLANK."""
    bitpix = header.integer(f"{prefix}BITPIX")
    if bitpix not in LEGAL_BITPIX:
        raise Unreadable(f"The header has an impossible {prefix}BITPIX; write the file again.", kind="bad_header")
    blank = header.value("BLANK")
    return Scaling(
        bitpix=bitpix,
        zero=_finite_number(header, "BZERO", 0.0),
        scale=_finite_number(header, "BSCALE", 1.0),
        blank=blank if isinstance(blank, int) and not isinstance(blank, bool) and bitpix > 0 else None,
    )


def _finite_number(header: Header, keyword: str, default: float) -> float:
    """Return the number of a scaling keyword, or its default; raise Unreadable when it is infinite or a BSCALE of 0."""
    value = header.value(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (keyword == "BSCALE" and number == 0.0):
        raise Unreadable(f"The header has an impossible {keyword}; write the file again.", kind="bad_header")
    return number


def _check_tiles(hdu: Hdu, axes: tuple[int, ...]) -> None:
    """Check the number of tiles against the size of the image: a small table cannot declare a huge image."""
    header = hdu.header
    tiles = 1
    for number, length in enumerate(axes, start=1):
        side = header.integer(f"ZTILE{number}", length if number == 1 else 1)
        if side < 1:
            raise Unreadable("The header declares tiles of no size; write the file again.", kind="bad_header")
        tiles *= -(-length // side)
    if header.integer("NAXIS2") != tiles:
        raise Unreadable(
            "The compressed image does not have the tiles that its header declares; write the file again.",
            kind="bad_header",
        )


def _no_image_error() -> Unsupported:
    """Return the error for a FITS file without an image."""
    return Unsupported("The file holds no image; nothing to do.", kind="no_image")
