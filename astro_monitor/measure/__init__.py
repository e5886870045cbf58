"""Measurement of a frame: numbers with units from pixels and stars.

Lengths in ``Measurements`` are in sensor pixels, those in ``Stars`` in frame pixels. No number is a guess: a value that
cannot be measured is ``None``, with a reason.
"""

from .ephemeris import Site, sun_and_moon
from .measurer import Measurer, on_sensor
from .noise import sky_noise
from .relation import relate
from .sources import measure_sources, source_table

__all__ = ["Measurer", "Site", "measure_sources", "on_sensor", "relate", "sky_noise", "source_table", "sun_and_moon"]
