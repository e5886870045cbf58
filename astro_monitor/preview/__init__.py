"""Small pictures of a frame: the preview that is kept of each, and one with its sources marked."""

from .frame import preview_jpeg
from .overlay import overlay_png

__all__ = ["overlay_png", "preview_jpeg"]
