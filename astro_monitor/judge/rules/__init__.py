"""The rules about faults, one module for each fault. Every rule runs on every frame; ``None`` means it has nothing to
report.

Each rule reads numbers only. The opinion of the model is weighed against them in :mod:`astro_monitor.judge.combine`.
"""

from .background import BACKGROUND
from .seeing import SEEING
from .tracking import TRACKING
from .types import Rule

RULES: tuple[Rule, ...] = (*TRACKING, *SEEING, *BACKGROUND)
"""Rules about the three faults."""

__all__ = ["RULES", "Rule"]
