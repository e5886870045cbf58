"""Reading of files: a file of any capture program becomes a ``Frame``, or an error explains why it does not."""

from astro_monitor.formats.limits import Limits

from .dialects import Dialects
from .reader import SKIPPED_KINDS, Opened, Reader
from .skypositions import sky_positions
from .start_only import exposure_start

__all__ = ["SKIPPED_KINDS", "Dialects", "Limits", "Opened", "Reader", "exposure_start", "sky_positions"]
