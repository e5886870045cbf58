"""A look as bytes: compact, versioned, checked; and what of the pixels is kept in it."""

from .pixels import compact, cutouts, picture
from .reading import NO_SOURCES, decode
from .writing import MAX_LOOK_BYTES, encode

__all__ = ["MAX_LOOK_BYTES", "NO_SOURCES", "compact", "cutouts", "decode", "encode", "picture"]
