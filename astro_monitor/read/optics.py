"""Binning, pixel size, focal length, and pixel scale."""

from __future__ import annotations

import math
import re

from .facts import Facts
from .orientation import cd_matrix, is_celestial
from .values import as_number

ARCSEC_PER_RADIAN_UM_MM = 206.264806
"""Pixel scale in arcseconds for a pixel of one micrometre at a focal length of one millimetre: 648 / pi."""
SCALE_RANGE_ARCSEC_PX = (0.05, 60.0)
"""Plausible pixel scales: from planetary imaging at long focal lengths to a camera lens of some 20 mm."""

BINNING = ("XBINNING", "CCDXBIN", "BINX", "CCDBIN1", "CCDSUM", "BINNING", "XBIN", "HBIN", "BIN1", "ESO DET WIN1 BINX")
BINNED_PIXEL_UM = ("XPIXSZ", "XPIXELSZ", "XPIXSIZE", "PIXSIZEX", "PIXSIZE")
"""Keywords of the pixel size with binning included (N.I.N.A., INDI, SharpCap, MaxIm DL, Voyager)."""
UNBINNED_PIXEL_UM = ("PIXSIZE1",)
"""Keywords of the pixel size before binning."""
FOCAL = (("FOCALLEN", 1.0), ("FOCAL", 1.0), ("FLENGTH", 1000.0))
"""Keywords of the focal length, and the length of their unit in millimetres."""
SCALES = ("SCALE", "PIXSCALE", "SECPIX1", "SECPIX", "PIXSCAL1", "PIXSCAL", "SECPPIX")


_LENGTHS_MM = {"um": 1e-3, "µm": 1e-3, "mi": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1000.0}
"""Millimetres in each unit; ``mi`` is the start of *micron*."""


def read_optics(facts: Facts) -> None:
    """Set binning, pixel size, focal length and pixel scale."""
    binning = _keep_binning(facts)
    for keyword in BINNED_PIXEL_UM:
        pixel = _length(facts, keyword, 1e-3, 0.5, 500.0)
        if pixel is not None:
            facts.keep("pixel_um", pixel, keyword)
            break
    else:
        for keyword in UNBINNED_PIXEL_UM:
            pixel = _length(facts, keyword, 1e-3, 0.5, 100.0)
            if pixel is not None:
                facts.keep("pixel_um", pixel * binning, keyword)
                break
    for keyword, millimetres in FOCAL:
        focal = _length(facts, keyword, millimetres, 5.0, 1e5)
        if focal is not None:
            facts.keep("focal_mm", focal, keyword)
            break
    _keep_pixel_scale(facts)


def _length(facts: Facts, keyword: str, unit_mm: float, low: float, high: float) -> float | None:
    """Return a length in the unit of its range; a unit in the remark is used where the number is plausible in it.

    Parameters:
        facts: values of the header.
        keyword: keyword of the length.
        unit_mm: default unit of the keyword in millimetres: 1 for millimetres, 1e-3 for micrometres, 1000 for metres.
        low, high: range, in millimetres, or in micrometres where that is the default unit.
    """
    range_unit_mm = min(unit_mm, 1.0)
    match = re.search(
        r"[\[(]\s*(um|µm|mm|cm|m|microns?)\s*[\])]|\bin (microns?|mm|cm|met(?:re|er)s?)\b|^\s*(mm|cm|m)\s*$",
        facts.comment(keyword).lower(),
    )
    stated = next((word for word in match.groups() if word), "") if match is not None else ""
    factor = _LENGTHS_MM.get(stated[:2] if stated[:2] in _LENGTHS_MM else stated[:1], unit_mm) / range_unit_mm
    number = as_number(facts.lookup(keyword))
    if factor != unit_mm / range_unit_mm and number is not None and low <= number * factor <= high:
        return number * factor
    plain = facts.number(keyword, low * range_unit_mm / unit_mm, high * range_unit_mm / unit_mm, zero_is_unknown=True)
    return None if plain is None else plain * unit_mm / range_unit_mm


def _keep_binning(facts: Facts) -> int:
    """Return the binning of the camera from the header, and keep it as a header value; 1 when the header has none."""
    for keyword in BINNING:
        value = facts.lookup(keyword)
        if isinstance(value, str):
            # One number for both axes, or two: ``2 2``, ``2x2``, ``2,2``, ``(2, 2)``, ``Bin2``.
            digits = re.search(r"-?\d+", value)
            value = digits[0] if digits is not None else value
        number = as_number(value)
        if number is None:
            continue
        # Some programs write 0 or -1 for an unbinned frame.
        binning = int(number) if 1 <= number <= 32 and number == int(number) else 1
        facts.keep("binning", binning, keyword)
        return binning
    return 1


def _keep_pixel_scale(facts: Facts) -> None:
    """Set the pixel scale: by the plate solution, else by pixel size and focal length, else as stored."""
    candidates: list[tuple[float, str]] = []
    solved = _solved_scale(facts)
    if solved is not None:
        candidates.append((solved, "CD1_1"))
    pixel, focal = facts.values.get("pixel_um"), facts.values.get("focal_mm")
    if pixel is not None and focal is not None:
        candidates.append(
            (
                ARCSEC_PER_RADIAN_UM_MM * pixel / focal,
                f"{facts.sources['pixel_um']}+{facts.sources['focal_mm']}",
            )
        )
    low, high = SCALE_RANGE_ARCSEC_PX
    for keyword in SCALES:
        stored = facts.number(keyword, low, high, zero_is_unknown=True)
        if stored is not None:
            candidates.append((stored, keyword))
    believable = [(scale, source) for scale, source in candidates if low <= scale <= high]
    for scale, source in candidates:
        if not low <= scale <= high:
            facts.refuse(source, scale, f"the scale is not between {low:g} and {high:g} arcseconds per pixel")
    if not believable:
        return
    facts.keep("scale_arcsec_px", *believable[0])
    for scale, source in believable[1:]:
        if abs(math.log(scale / believable[0][0])) > 0.05:
            facts.note(
                f"{source} gives {scale:.3g} arcseconds per pixel, "
                f"{believable[0][1]} gives {believable[0][0]:.3g}; the latter is used."
            )


def _solved_scale(facts: Facts) -> float | None:
    """Return the scale of a plate solution: the square root of the determinant of its matrix."""
    if not is_celestial(facts.lookup):
        return None
    matrix = cd_matrix(facts.lookup)
    if not matrix:
        # Without a matrix the scale follows from the steps alone, for any rotation.
        steps = [as_number(facts.lookup(keyword)) for keyword in ("CDELT1", "CDELT2")]
        sizes = [abs(step) for step in steps if step is not None and abs(step) <= 1.0]
        return 3600.0 * math.sqrt(sizes[0] * sizes[1]) if len(sizes) == 2 and sizes[0] * sizes[1] > 0.0 else None
    a, b, c, d = matrix
    determinant = abs(a * d - b * c)
    return 3600.0 * math.sqrt(determinant) if determinant > 0.0 else None
