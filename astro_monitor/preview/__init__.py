"""Small stretched pictures of a frame."""

from .overlay import overlay_png
from .stretch import stretched

__all__ = ["overlay_png", "stretched"]
