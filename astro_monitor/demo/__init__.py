"""A small seeded sky and a writer that behaves like capture programs; it needs only numpy.

It serves ``astro-monitor demo`` and the tests. The simulator for training is in ``training/simulate``.
"""

from .fits import write_fits
from .night import Exposure, demo_night, render_exposure
from .sky import Rig, Sky, point_spread, render

__all__ = ["Exposure", "Rig", "Sky", "demo_night", "point_spread", "render", "render_exposure", "write_fits"]
