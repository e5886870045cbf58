"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable

from ..evidence import Case, Finding

Rule = Callable[[Case], Finding | None]
"""Looks at a frame and its baseline; ``None``: it has nothing to report."""
