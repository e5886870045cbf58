"""Lists for PixInsight: the table that SubframeSelector saves, and a folder of links for the batch script (WBPP).

Format of the table: ``SubframeSelectorInterface::ExportCSV`` of PixInsight's PCL (versions 1.8.9 to 1.9.3): 22 lines of
settings, a line of 30 names, one line for each frame, numbers as ``%.4e``. Readers go by the names of the columns.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from .frames import ListedFrame
from .grouping import Stack
from .names import is_linkable, is_listable

COLUMNS = (
    "Index", "Approved", "Locked", "File", "Weight", "PSF Signal Weight", "PSF SNR", "PSF Scale", "PSF Scale SNR",
    "PSF Count", "M*", "N*", "SNR", "FWHM", "Eccentricity", "Altitude", "Azimuth", "Median", "Median Mean Deviation",
    "Noise", "Noise Ratio", "Stars", "Star Residual", "PSF Total Flux", "PSF Total Power Flux", "PSF Total Mean Flux",
    "PSF Total Mean Power Flux", "FWHM Mean Deviation", "Eccentricity Mean Deviation", "Star Residual Mean Deviation",
)  # fmt: skip
LINK_ENDINGS = (".fits", ".fit", ".fts", ".xisf")
"""Files that WBPP finds in a folder."""
MAX_LINKS = 99_999
"""The largest number of five digits: names stay in order of time when they are sorted as text."""

_SETTINGS = (
    "Camera Gain,1.00000", 'Camera Resolution,"16-bit [0,65535]"', "Site Local Midnight,24",
)  # fmt: skip
"""Lines of settings as SubframeSelector writes them with its defaults; readers skip them."""
_DETECTION = (
    "Trimming Factor,0.10", "Structure Layers,5", "Noise Layers,0", "Hot Pixel Filter Radius,1",
    "Noise Reduction Filter Radius,0", "Sensitivity,0.50000", "Peak Response,0.500", "Maximum Star Distortion,0.600",
    "Upper Limit,1.000", "Pedestal,0", "Subframe Region,0,0,0,0", 'PSF Type,"Auto"', "Circular PSF,false",
    'Approval expression,""', 'Weighting expression,""',
)  # fmt: skip
"""Lines of its detection settings, also with its defaults."""


def subframes_csv(stack: Stack) -> bytes:
    """Return the table as SubframeSelector saves it: kept frames are approved, with their weight.

    FWHM is that of the image before pixel integration, in arcseconds where every frame has a pixel scale, else in
    pixels of the frame. Columns that this program does not measure as PixInsight does are 0.

    Parameters:
        stack: the frames; those whose path cannot be a line of a text list, or has a quote, are left out.
    """
    frames = [frame for frame in stack.frames if is_listable(frame.file) and '"' not in frame.file]
    angular = bool(frames) and all(frame.numbers.get("fwhm_arcsec") is not None for frame in frames)
    scale = _arcsec_per_px(frames[0]) if angular else 1.0
    head = (
        "SubframeSelector module version 1.9.3",
        f"Subframe Scale,{scale:.5f}",
        *_SETTINGS,
        f'Scale Unit,"{"Arcseconds (arcsec)" if angular else "Pixels (pixel)"}"',
        'Data Unit,"Data Numbers (DN)"',
        *_DETECTION,
        ",".join(COLUMNS),
    )
    rows = (_subframe_row(number, frame, angular) for number, frame in enumerate(frames, 1))
    return "".join(f"{line}\n" for line in (*head, *rows)).encode("utf-8")


def _subframe_row(number: int, frame: ListedFrame, angular: bool) -> str:
    """Return the row of one frame in the table of SubframeSelector (CSV)."""
    known = {
        "Weight": frame.weight,
        "FWHM": frame.numbers.get("fwhm_arcsec" if angular else "fwhm_px"),
        "Eccentricity": frame.numbers.get("eccentricity"),
        "Median": frame.numbers.get("background_adu"),
        "Stars": frame.numbers.get("star_count"),
    }
    approved = "true" if frame.decision == "keep" else "false"
    numbers = (f"{known.get(name) or 0.0:.4e}" for name in COLUMNS[4:])
    return ",".join((str(number), approved, "false", f'"{frame.file}"', *numbers))


def _arcsec_per_px(frame: ListedFrame) -> float:
    """Return the image scale of a frame in arcsec per pixel, from its two FWHM values; 1.0 if unknown."""
    arcsec, px = frame.numbers.get("fwhm_arcsec"), frame.numbers.get("fwhm_px")
    return arcsec / px if arcsec and px else 1.0


def batch_links(stack: Stack) -> dict[str, str]:
    """Return the links to the kept frames for WBPP: ``light_00001.fits`` and so on, in order of time.

    Parameters:
        stack: the frames.

    Returns:
        path of the frame by name of the link. Files that WBPP does not read (gzip, raw) are left out.
    """
    links: dict[str, str] = {}
    for frame in stack.decided("keep"):
        ending = PurePosixPath(frame.file.lower()).suffix
        if ending in LINK_ENDINGS and is_linkable(frame.file) and len(links) < MAX_LINKS:
            links[f"light_{len(links) + 1:05d}{ending}"] = frame.file
    return links
