"""Numbers with units from pixels and stars.

Lengths in ``Measurements`` are sensor pixels; ``Stars`` stays in frame pixels. No number is a guess: what cannot be
measured is ``None``, with the reason beside it.
"""

from .ephemeris import Site
from .measurer import Measurer, on_sensor
from .sources import measure_sources

__all__ = ["Measurer", "Site", "measure_sources", "on_sensor"]
