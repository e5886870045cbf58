"""Warnings as a state machine: one for each kind and rig.

::

             N of the last M bad, or one severe frame
    quiet ────────────────────────────────────────────► open ──► updated when it becomes severe,
      ▲                                                  │        or when the likely cause changes
      └──────────────────────────────────────────────────┘
             K good frames in a row; then silent for the cooldown

A frame that is only doubtful neither opens nor closes anything. Time is the frame's own, so that an archive replays as
the night went; a clock that runs backwards shortens nothing: the cooldown counts the distance in time either way.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ..records import Alert
from ..settings import JudgeSettings
from .advice import advice_for

Kind = Literal["tracking", "seeing", "background", "failures"]
Sign = Literal["good", "doubtful", "bad", "severe"]
MAX_EVIDENCE = 10

_TROUBLE = {
    "tracking": "Stars are trailed",
    "seeing": "Stars are blurred",
    "background": "The sky is bad",
    "failures": "Frames cannot be read",
}


@dataclass(slots=True)
class Warden:
    """Watches over one kind of trouble on one rig.

    Attributes:
        recent: signs of the last M frames, oldest first.
        evidence: name and cause of the bad frames of the present trouble, oldest first.
        good_in_a_row: since the last bad one.
        opened: number of warnings so far, for the identifier.
        alert_id, severity, cause: of the open warning; an empty identifier means none is open.
        closed_at_s: when the last one was closed, in seconds since the epoch.
    """

    kind: Kind
    rig: str
    recent: deque[Sign] = field(default_factory=deque)
    evidence: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=MAX_EVIDENCE))
    good_in_a_row: int = 0
    opened: int = 0
    alert_id: str = ""
    severity: Literal["warning", "severe"] = "warning"
    cause: str = "none"
    closed_at_s: float | None = None

    def note(self, sign: Sign, frame: str, cause: str, moment_s: float, settings: JudgeSettings) -> Alert | None:
        """Take one more frame into account.

        Parameters:
            sign: what the frame says about this kind of trouble.
            frame: name of the frame for the evidence.
            cause: likely cause by this frame.
            moment_s: when the frame was taken, seconds since the epoch.
            settings: N, M, closing count and cooldown.

        Returns:
            the change, if this frame changes the state.
        """
        self.recent.append(sign)
        while len(self.recent) > settings.alert_of:
            self.recent.popleft()
        if sign in ("bad", "severe"):
            self.good_in_a_row = 0
            self.evidence.append((frame, cause))
        elif sign == "good":
            self.good_in_a_row += 1
        if self.alert_id:
            return self._while_open(sign, moment_s, settings)
        if self.good_in_a_row >= settings.alert_of:
            self.evidence.clear()
        return self._while_quiet(sign, frame, moment_s, settings)

    def _while_quiet(self, sign: Sign, frame: str, moment_s: float, settings: JudgeSettings) -> Alert | None:
        bad = sum(one in ("bad", "severe") for one in self.recent)
        if sign not in ("bad", "severe") or (sign == "bad" and bad < min(settings.alert_n, settings.alert_of)):
            return None
        if self.closed_at_s is not None and abs(moment_s - self.closed_at_s) < settings.alert_cooldown_s:
            return None
        self.opened += 1
        unique = f"{self.rig}\n{frame}\n{moment_s}\n{self.opened}".encode()
        self.alert_id = f"{self.kind}-{hashlib.sha256(unique).hexdigest()[:12]}"
        self.severity = "severe" if "severe" in self.recent else "warning"
        self.cause = self._likely_cause()
        return self._alert("opened", f"{_TROUBLE[self.kind]} in {bad} of the last {len(self.recent)} frames")

    def _while_open(self, sign: Sign, moment_s: float, settings: JudgeSettings) -> Alert | None:
        if self.good_in_a_row >= settings.alert_close:
            alert = self._alert("closed", f"Over: {self.good_in_a_row} good frames in a row")
            self.alert_id, self.closed_at_s = "", moment_s
            self.recent.clear()
            self.evidence.clear()
            return alert
        if sign == "severe" and self.severity == "warning":
            self.severity = "severe"
            self.cause = self._likely_cause()
            return self._alert("updated", f"{_TROUBLE[self.kind]} badly now")
        cause = self._likely_cause()
        if sign in ("bad", "severe") and cause not in (self.cause, "none"):
            self.cause = cause
            return self._alert("updated", f"{_TROUBLE[self.kind]}, now for another reason")
        return None

    def _likely_cause(self) -> str:
        """Give the cause more than half of the evidence names; the one held so far when there is no such cause."""
        counted = Counter(cause for _, cause in self.evidence)
        cause, times = counted.most_common(1)[0] if counted else ("none", 0)
        return cause if 2 * times > len(self.evidence) else self.cause

    def _alert(self, change: Literal["opened", "updated", "closed"], said: str) -> Alert:
        cause = "" if self.cause == "none" or change == "closed" else f" Likely cause: {self.cause}."
        return Alert(
            alert_id=self.alert_id,
            kind=self.kind,
            change=change,
            severity=self.severity,
            cause=self.cause,
            evidence=tuple(frame for frame, _ in self.evidence),
            sentence=f"{said}{f' ({self.rig})' if self.rig else ''}.{cause}",
            advice="" if change == "closed" else advice_for(self.kind, self.cause),
        )

    def state(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {
            "kind": self.kind,
            "rig": self.rig,
            "recent": list(self.recent),
            "evidence": [list(one) for one in self.evidence],
            "good_in_a_row": self.good_in_a_row,
            "opened": self.opened,
            "alert_id": self.alert_id,
            "severity": self.severity,
            "cause": self.cause,
            "closed_at_s": self.closed_at_s,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Warden:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` gave.
        """
        warden = cls(**{**state, "recent": deque(state["recent"]), "evidence": deque(maxlen=MAX_EVIDENCE)})
        warden.evidence.extend((str(frame), str(cause)) for frame, cause in state["evidence"])
        return warden
