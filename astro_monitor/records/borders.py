"""The borders between the classes, as the table in ``docs/explanations/classes.md`` has them.

The simulator labels by them, and the rules judge by them. F is the FWHM the stars would have without the fault, F0 the
baseline FWHM of the rig, L the length of the path of a star on the sensor, S the baseline sky above the pedestal.
"""

from __future__ import annotations

TRAIL_GOOD, TRAIL_BAD, TRAIL_VERY_BAD = 0.5, 0.8, 3.0
"""L / F: up to the first a frame is good, from the second on tracking is bad, from the third on very bad."""

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

GHOST_FRACTION = 0.05
"""A jump that lasted for a smaller part of the exposure leaves a faint ghost, which is no fault."""
