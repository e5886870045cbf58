"""Numbers with units from pixels and stars.

Lengths in ``Measurements`` are sensor pixels; ``Stars`` stays in frame pixels. No number is a guess: what cannot be
measured is ``None``, with the reason beside it.
"""

from .ephemeris import Site
from .measurer import Measurer, on_sensor
from .relation import relate
from .sources import measure_sources, source_table

__all__ = ["Measurer", "Site", "measure_sources", "on_sensor", "relate", "source_table"]
