"""How certain the measurements must be before a rule is firm, as numbers, each written once.

The borders between the classes are those of :mod:`astro_monitor.records.borders`. L: trail length, E: its excess over
the usual of the rig, F: FWHM across the trail, F0: baseline FWHM, S: baseline sky that noise can see.
"""

from ..records.borders import (
    EXTINCTION_BAD_MAG,
    FWHM_BAD,
    FWHM_GOOD,
    GRADIENT_BAD,
    SKY_BAD,
    TRAIL_ALWAYS_BAD,
    TRAIL_BAD,
    TRAIL_GOOD,
    TRAIL_VERY_BAD,
)

__all__ = [
    "EXTINCTION_BAD_MAG",
    "FWHM_BAD",
    "FWHM_GOOD",
    "GRADIENT_BAD",
    "SKY_BAD",
    "TRAIL_ALWAYS_BAD",
    "TRAIL_BAD",
    "TRAIL_GOOD",
    "TRAIL_VERY_BAD",
]

TRAIL_CLEAR = 0.9 * TRAIL_GOOD
"""E / F up to which the measurement denies a fault of the tracking; a little below the border, as it has an error."""

KERNEL_CLEAR = 0.85
"""Length of the kernel over F up to which it denies a path. On simulated good frames its noise reaches 0.6 in one frame
of ten, and neighbours of the stars give it several widths in one of twenty: alone it condemns nothing."""

TURNED_STARS = 30
"""Measured stars from which a turn of their directions around a point is firm evidence."""

TRAIL_SURE = 1.1
"""An excess this many times beyond its border needs no second opinion: good frames end at 0.7 F, far below."""

TRAIL_VISIBLE = 0.7
"""L / F from which a person who looks at a frame sees that its stars are elongated (an axis ratio of 1.11): the model
alone rejects no frame for its tracking below it."""

TRAIL_STRAYS = 2.0
"""An elongation within so many times its scatter from frame to frame is that of the baseline."""

FWHM_FAR, FWHM_FAR_PX, FWHM_FAR_DOMAIN = 4.0, 10.0, 0.9
"""Without a baseline: FWHM over the normal FWHM of the site, and FWHM in pixels, from which stars are out of focus
whatever the rig. Where only one or two sources are measured, they must look like stars to this score."""

SUPERB = 0.8
"""FWHM over the normal FWHM of the site below which the seeing is superb, so that the second best is good as well."""

FWHM_CLEAR = 1.25
"""Up to here the measurement denies bad seeing; a little below the border, because a baseline is no exact F0."""

CREPT_UP = 0.96 * FWHM_BAD
"""FWHM over the sharpest of a target from which a slow loss of focus is looked at. The sharpest is the median of five
frames, which is two frames, or 4 % at 2 % a frame, behind a steady drift."""
RESOLVED_FWHM_PX = 1.8
"""Narrowest width in pixels that a slow loss of focus is measured from: narrower stars are set by the pixel, and focus
that moves them between 1.5 and 2.5 px costs hardly any light (real undersampled nights do so while people keep every
frame)."""

SURE_ERRORS = 2.0
"""A number is firm evidence when it is beyond its border by so many times its own error, or its scatter on good
frames."""

DEW_SHARE, DEW_NOTED, DEW_PART = 0.6, 0.2, 0.4
"""Dew spreads light over tens of pixels, out of the aperture: about this share of the loss that stars show is lost
indeed. A loss counts as dew's when the model gives dew at least the second, and the third of dew and cloud together."""

SKY_CHANGE_SUSPECT, SKY_CHANGE_CLEAR = 0.25, 0.2
"""Peak to valley of the sky beyond the pattern of the baseline over the cells of the field grid. The cells average, so
that the numbers are smaller than the gradient from corner to corner."""

SKY_BRIGHTER = 1.5
"""Sky over the usual from which a background that the model calls bad, and whose stars have lost no light, is bad by
its brightness alone."""

SKY_DARKER = 0.5
"""Sky over the usual below which its level is no evidence against a fault: a sky that lost half of its light tells of a
wrong estimate."""

NIGHT_DEG = -18.0
"""Altitude of the sun below which it lights nothing."""

MOON_TELLS = 0.1
"""A thinner moon does not light the sky."""

BEYOND = 1.25
"""A value this many times beyond its border is decisive: rules alone reject."""

MIN_SHAPE_STARS = 10
"""Shape numbers based on fewer stars are no firm evidence."""

LEAST_STARS = 3
"""Fewer sources may all be something else than stars."""

THIN_STARS = 5
"""With fewer measured stars the model alone cannot condemn the shape of stars."""

FEW_STARS = 8
"""Fewer measured stars than this raise the flag ``few_stars``."""

COHERENT = 0.6
"""Axial resultant length from which elongation counts as one direction everywhere."""

ROTATION_COHERENT = 0.75
"""Coherence from which directions count as turning around a point."""

RADIAL_OPTICS = 0.05
"""Radial or tangential elongation from which optics are suspected."""

CENTRAL_DIP = 0.25
"""Hollow profile: defocus rather than seeing."""

SAMPLED_FWHM_PX = 2.2
"""Optics and sampling keep the FWHM of common rigs above this many pixels, whatever the seeing."""

AIRMASS_MAG = 0.2
"""Extinction of clear air per unit of airmass in a broad visual band; typical of good sites at low altitude."""

PATCH_FLAG_MAG, PATCH_REVIEW_MAG = 0.2, 0.5
"""Sure loss of light of the worst twelfth of the field beyond the whole: a flag, and a look. On a real night none of 87
frames had more than 0.01."""

DEAD_CELLS_FLAG, DEAD_CELLS_REVIEW = 0.08, 0.25
"""Part of the field without stars. The first is twice the jitter of clean fields that psf-guard reports."""

SATURATED_PIXELS_FLAG, SATURATED_PIXELS_REVIEW = 0.01, 0.05
"""Part of the frame at saturation; BANZAI fails a frame at 5 %."""

SATURATED_STARS_FLAG = 0.3
"""Part of the measured stars that touch saturation."""

SKY_NEAR_FULL = 0.4
"""Level of the sky over saturation from which a frame of an unknown rig is looked at (rule 3 of the label document)."""

SKY_FILLING_LEAST, SKY_FILLING_PER_S = 0.1, 0.05
"""The same for a sky above the first that would fill the scale within 20 s, which no night sky does."""

STARS_OF_A_LIGHT = 30
"""With so many measured stars a bright frame is no flat, and may enter the baseline."""

BAD_PIXELS_REVIEW = 0.02
"""Part of the frame that was not finite."""

MODEL_LEANS = 0.2
"""The model does not contradict a rule when it gives the fault at least this probability."""

MODEL_SURE_GOOD = 0.8
"""From this probability of ``good`` weak evidence against a frame is only noted."""

MODEL_REJECTS = {"tracking": 0.8, "seeing": 0.8, "background": 0.8}
"""From this probability of a fault the model alone rejects, where no measurement supports or denies it; set for the
cost of a good frame that is rejected (at most 0.5 %)."""

MODEL_CERTAIN = 0.97
"""From this probability on frames that the model condemns although the measurements deny it are looked at."""

MODEL_GOOD = 0.75
"""Below this probability of ``good`` a frame is not kept on the model's opinion alone."""

MODEL_NORMAL = 0.5
"""From this probability of ``good`` a frame with no other finding against it may enter the baseline, kept or not: a
night that begins with doubtful frames must come to a baseline."""

FAULT_NOTED, FAULT_REVIEW = 0.5, 0.8
"""Fault scores worth a note, and worth a look."""

IN_DOMAIN_SURE = 0.9
"""From this in-domain score the model may condemn what a measurement denies."""

IN_DOMAIN = 0.5
"""From this in-domain score an ``unknown`` is only low confidence, not a strange frame."""
