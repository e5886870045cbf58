"""The borders between the classes, as the table in ``docs/explanations/classes.md`` has them.

The simulator labels by them, and the rules judge by them. F is the FWHM the stars would have without the fault, F0 the
baseline FWHM of the rig, L the length of the path of a star on the sensor, E its excess: what remains of the elongation
vector L² (cos 2θ, sin 2θ) after the usual vector of the rig is subtracted, as a length. S is the baseline sky that
noise can see: sky, dark current and the square of the read noise.

Between two borders, and in an ambiguous band, a frame is left out of accuracy figures.
"""

from __future__ import annotations

TRAIL_GOOD, TRAIL_BAD, TRAIL_VERY_BAD = 0.7, 1.2, 3.0
"""E / F: up to the first a frame is good, from the second on tracking is bad, from the third on very bad. The second is
where observers stop to keep frames: an eccentricity of about 0.6; optics and guiding of three real nights that people
call good reach it."""

TRAIL_VERY_BAD_AMBIGUOUS = (2.7, 3.3)
"""E / F between which bad and very bad tracking are not told apart: 10 % on either side of the border."""

TRAIL_ALWAYS_BAD = 2.0
"""L / F from which tracking is bad, whatever is usual for the rig. Not for targets tracked at another rate."""

FWHM_GOOD, FWHM_BAD = 1.3, 1.6
"""FWHM / F0: up to the first a frame is good, from the second on seeing is bad."""

EXTINCTION_BAD_MAG = 0.5
"""Mean extinction over the frame, in magnitudes, from which the background is at fault."""

GRADIENT_BAD = 0.35
"""Smooth gradient, peak to valley over S, from which the background is at fault."""

LEAK_BAD = 0.30
"""Peak of a light leak or glow over S from which the background is at fault."""

SKY_BAD = 4.0
"""Sky over S from which the background is at fault."""

BACKGROUND_AMBIGUOUS = 0.10
"""Relative distance from a border of the background within which a frame is ambiguous."""

GHOST_FRACTION = 0.05
"""A jump that lasted for a smaller part of the exposure leaves a faint ghost, which is no fault."""

GHOST = (GHOST_FRACTION, 0.10)
"""Part of the light in the ghost of a jump between which the frame is ambiguous."""
