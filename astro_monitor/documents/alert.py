"""Documents about alerts."""

from __future__ import annotations

from .base import Body
from .vocabulary import AlertKind, Severity


class AlertBody(Body):
    """One change of one warning.

    Attributes:
        kind: what the trouble is.
        evidence: ``frame_id`` of the latest frames that show the trouble, at most ten, oldest first; the name of a
            file that could not be read.
        repeat: trouble that ended a short time ago has come back, no worse and for no other cause: show it, but do not
            wake anyone for it.
        rig: telescope and camera, as in ``frame.judged``; empty where the alert is about files that cannot be read,
            and in documents from before protocol 1.2.
        opened_at: when the exposure began with which the alert was opened, UTC; for files that cannot be read, when
            the file was complete. ``null`` where it is not known.
        first_frame, last_frame: the first and the last frame that show the trouble, as in ``evidence``; empty where
            they are not known.
    """

    alert_id: str
    kind: AlertKind
    severity: Severity
    cause: str
    evidence: list[str]
    sentence: str
    advice: str
    repeat: bool = False
    rig: str = ""
    opened_at: str | None = None
    first_frame: str = ""
    last_frame: str = ""
