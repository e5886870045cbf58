"""Faults that no rig has as its own: frames that show one never enter a baseline."""

from __future__ import annotations

from collections.abc import Mapping

from ..records.borders import TRAIL_ALWAYS_BAD

DEFAULT_NORMAL_FWHM_ARCSEC = 3.0
"""FWHM of an ordinary site, where the settings name no other."""
FAR_FWHM, FAR_FWHM_PX = 4.0, 10.0
"""FWHM over the normal one of the site, and FWHM in pixels, from which stars are out of focus whatever the rig. Both,
because a wrong pixel scale makes no star large on the sensor."""
SAMPLED_FWHM_PX = 2.2
"""Optics and sampling keep the FWHM of common rigs above this many pixels, whatever the seeing."""
LONGEST_OWN_TRAIL = TRAIL_ALWAYS_BAD
"""Trail length over FWHM up to which elongation may be the rig's own."""
ONE_DIRECTION = 0.6
"""Axial resultant length of the directions of elongation from which stars are drawn out by one path."""
BRIGHT_SKY, STARS_OF_A_LIGHT = 0.4, 30
"""Sky over saturation from which a frame with fewer measured stars is rather a flat than a light frame."""


def is_beyond_any_rig(values: Mapping[str, float], normal_fwhm_arcsec: float, *, sidereal: bool) -> bool:
    """Return whether a frame has a fault whatever is usual.

    Parameters:
        values: finite measurements of the frame.
        normal_fwhm_arcsec: of the site.
        sidereal: the mount follows the stars; else trailed stars are no fault.
    """
    width_px = values.get("fwhm_minor_px") or values.get("fwhm_px") or 0.0
    trailed = width_px > 0.0 and values.get("trail_length_px", 0.0) >= LONGEST_OWN_TRAIL * width_px
    if sidereal and trailed and values.get("angle_coherence", 1.0) >= ONE_DIRECTION:
        return True
    few = values.get("star_count_measured", 0.0) < STARS_OF_A_LIGHT
    if few and values.get("sky_saturation_fraction", 0.0) >= BRIGHT_SKY:
        return True
    return _is_far_out_of_focus(values, normal_fwhm_arcsec)


def _is_far_out_of_focus(values: Mapping[str, float], normal_fwhm_arcsec: float) -> bool:
    """Return whether stars are wider than any seeing makes them; no where the pixel scale is unknown."""
    fwhm_px = values.get("fwhm_minor_px") or values.get("fwhm_px", 0.0)
    normal_px = site_fwhm_px(values, normal_fwhm_arcsec)
    return normal_px > 0.0 and fwhm_px >= FAR_FWHM_PX and fwhm_px >= FAR_FWHM * normal_px


def site_fwhm_px(values: Mapping[str, float], normal_fwhm_arcsec: float) -> float:
    """Return the normal FWHM of the site in pixels of a frame, or what the pixels allow; 0 without a pixel scale.

    Parameters:
        values: finite measurements of the frame.
        normal_fwhm_arcsec: of the site.
    """
    fwhm_px, fwhm_arcsec = values.get("fwhm_px", 0.0), values.get("fwhm_arcsec", 0.0)
    return max(normal_fwhm_arcsec * fwhm_px / fwhm_arcsec, SAMPLED_FWHM_PX) if min(fwhm_px, fwhm_arcsec) > 0.0 else 0.0
