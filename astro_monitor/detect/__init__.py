"""Detection of stars and trails in a full frame: sky, noise, hot pixels, stretch, tiles, U-Net, centroids, classes."""

from .detector import Detector
from .sky import sky_map

__all__ = ["Detector", "sky_map"]
