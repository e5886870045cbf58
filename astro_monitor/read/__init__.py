"""Read: a file becomes a ``Frame``, whatever program wrote it, or one sentence says why not."""

from .limits import Limits
from .reader import SKIPPED_KINDS, Opened, Reader
from .skypositions import sky_positions

__all__ = ["SKIPPED_KINDS", "Limits", "Opened", "Reader", "sky_positions"]
