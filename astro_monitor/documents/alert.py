"""Documents about alerts."""

from __future__ import annotations

from .base import Body
from .vocabulary import AlertKind, Severity


class AlertBody(Body):
    """One change of one warning.

    Attributes:
        repeat: trouble that ended a short time ago has come back, no worse and for no other cause: show it, but do not
            wake anyone for it.
    """

    alert_id: str
    kind: AlertKind
    severity: Severity
    cause: str
    evidence: list[str]
    sentence: str
    advice: str
    repeat: bool = False
