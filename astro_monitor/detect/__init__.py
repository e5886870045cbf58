"""Find stars and trails in a whole frame: sky, noise, hot pixels, stretch, tiles, U-Net, exact positions, kinds."""

from .detector import Detector
from .sky import sky_map

__all__ = ["Detector", "sky_map"]
