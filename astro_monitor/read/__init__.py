"""Read: a file becomes a ``Frame``, whatever program wrote it, or one sentence says why not."""

from .limits import Limits
from .reader import Opened, Reader

__all__ = ["Limits", "Opened", "Reader"]
