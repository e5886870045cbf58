"""Numbers with units from pixels and stars.

Lengths in ``Measurements`` are sensor pixels; ``Stars`` stays in frame pixels. No number is a guess: what cannot be
measured is ``None``, with the reason beside it.
"""

from .ephemeris import Site
from .measurer import Measurer

__all__ = ["Measurer", "Site"]
