"""Warnings as a state machine: one for each kind and rig.

::

      N of the last M bad or moonlit, 2 N suspect in a row, one severe frame, or a notice
    quiet ────────────────────────────────────────────► open ──► updated when it becomes severe,
      ▲                                                  │        or when the likely cause changes
      └──────────────────────────────────────────────────┘
             K good frames in a row

A suspect frame is one that a person should review for this kind of trouble; it counts as half a bad one. A moonlit one
has lost nothing but darkness: alone it is for information. A *notice* is what many frames show together, such as a slow
drift of the focus, before one of them is bad. A frame that
is doubtful for another reason neither opens nor closes anything. An alert is open as long as its trouble lasts. Trouble
that comes back within the cooldown, no worse than before and for the same cause, is opened as a *repeat*: for the
screen, not for an alarm. Time is the frame's own, so that an archive replays as the night went; a clock that runs
backwards shortens nothing: the cooldown counts the distance in time either way.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ..documents.vocabulary import AlertChange, AlertKind, Severity
from ..plain import counted
from ..records import Alert
from ..settings import JudgeSettings
from .advice import advice_for
from .causes import Cause

Sign = Literal["good", "doubtful", "moonlit", "suspect", "bad", "severe"]
TROUBLE_SIGNS = ("moonlit", "suspect", "bad", "severe")
MAX_EVIDENCE = 10
"""Frames that an alert names as evidence; it is meant for a small screen."""

_TROUBLE = {
    "tracking": "Stars are trailed",
    "seeing": "Stars are blurred",
    "background": "The sky is bad",
    "obstruction": "A part of the field has lost its stars",
    "pointing": "The telescope points elsewhere than before",
    "failures": "Frames cannot be read",
}


MOON = "The moon brightens the sky"

SEVERITY_ORDER: tuple[Severity, ...] = ("info", "warning", "severe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What opens a warning by itself.

    Attributes:
        sentence: what has happened, which frames show it, and what to do; without a full stop.
        cause: the likely cause.
        first_frame, first_name: the first frame that shows it.
    """

    sentence: str
    cause: str
    first_frame: str
    first_name: str


@dataclass(slots=True)
class AlertState:
    """State of the alert about one kind of trouble on one rig.

    Attributes:
        recent: signs of the last M frames, oldest first.
        frames: their names; empty for those of an older state.
        evidence: identity, cause and file name of the bad and suspect frames of the present trouble, oldest first.
        good_in_a_row: since the last bad or suspect one.
        opened: number of warnings so far, for the identifier.
        alert_id, severity, cause, detail: of the open warning; an empty identifier means none is open.
        opened_at_s: when the frame was taken with which it was opened, seconds since the epoch.
        first_frame, first_name: the first frame of the open warning's trouble, and the name of its file.
        repeat: whether the open warning is about trouble that has only come back.
        closed_at_s: when the last one was closed, in seconds since the epoch.
        closed_severity, closed_cause: of the last one.
    """

    kind: AlertKind
    rig: str
    recent: deque[Sign] = field(default_factory=deque)
    frames: deque[str] = field(default_factory=deque)
    evidence: deque[tuple[str, str, str]] = field(default_factory=lambda: deque(maxlen=MAX_EVIDENCE))
    good_in_a_row: int = 0
    opened: int = 0
    alert_id: str = ""
    severity: Severity = "warning"
    cause: str = "none"
    detail: str = ""
    repeat: bool = False
    closed_at_s: float | None = None
    closed_severity: Severity = "warning"
    closed_cause: str = "none"
    opened_at_s: float | None = None
    first_frame: str = ""
    first_name: str = ""

    def note(
        self,
        sign: Sign,
        frame: str,
        cause: Cause,
        moment_s: float,
        settings: JudgeSettings,
        *,
        name: str = "",
        notice: Notice | None = None,
    ) -> Alert | None:
        """Add one frame.

        Parameters:
            sign: what the frame says about this kind of trouble.
            frame: identity of the frame for the evidence.
            cause: likely cause by this frame and those before.
            moment_s: when the frame was taken, seconds since the epoch.
            settings: N, M, closing count and cooldown.
            name: of its file, for people.
            notice: what opens a warning whatever the sign is.

        Returns:
            the change, if this frame changes the state.
        """
        self.recent.append(sign)
        self.frames.append(frame)
        while len(self.recent) > max(settings.alert_of, 2 * settings.alert_n):
            self.recent.popleft()
            self.frames.popleft()
        if sign in TROUBLE_SIGNS:
            self.good_in_a_row = 0
            self.evidence.append((frame, cause.name, name))
            self.detail = cause.detail
        elif sign == "good":
            self.good_in_a_row += 1
        if self.alert_id:
            return self._while_open(sign, moment_s, settings)
        if notice is not None:
            return self._open_by(notice, frame, name, moment_s, settings)
        if self.good_in_a_row >= settings.alert_of:
            self.evidence.clear()
        return self._while_quiet(sign, frame, moment_s, settings)

    def retract(self, frame: str) -> bool:
        """Withdraw the verdict on a frame whose file was not complete; return whether the open warning was based on it.

        Parameters:
            frame: its name, as for :meth:`note`.
        """
        for index in [index for index, name in enumerate(self.frames) if name == frame]:
            if self.recent[index] == "good" and self.good_in_a_row:
                self.good_in_a_row -= 1
            del self.recent[index], self.frames[index]
            break
        kept = [seen for seen in self.evidence if seen[0] != frame]
        was_evidence = len(kept) < len(self.evidence)
        self.evidence.clear()
        self.evidence.extend(kept)
        if frame == self.first_frame:
            self.first_frame, _, self.first_name = kept[0] if kept else ("", "", "")
        return was_evidence and bool(self.alert_id)

    def reconsider(self, settings: JudgeSettings) -> Alert | None:
        """Close or soften the open warning, when what is left after :meth:`retract` would not have opened it so."""
        if not self.alert_id:
            return None
        signs = dict(zip(self.frames, self.recent, strict=True))
        left = sum(0.5 if signs.get(frame) == "suspect" else 1.0 for frame, _, _ in self.evidence)
        if left < settings.alert_n and "severe" not in self.recent:
            alert = self._alert("closed", "Withdrawn: a frame was judged before its file was complete")
            # It never was: trouble that comes now is no repeat.
            self.alert_id, self.closed_at_s, self.cause = "", None, "none"
            self._forget_all()
            return alert
        if self.severity == "severe" and "severe" not in self.recent:
            self.severity = "warning"
            return self._alert(
                "updated",
                f"{_TROUBLE[self.kind]}, but no longer severely: a frame was judged before its file was complete",
            )
        return None

    def _forget_all(self) -> None:
        """Remove the recent signs, frames and evidence of this warning."""
        self.recent.clear()
        self.frames.clear()
        self.evidence.clear()

    def _while_quiet(self, sign: Sign, frame: str, moment_s: float, settings: JudgeSettings) -> Alert | None:
        """Note a frame while the warning is closed; return the alert that opens it, or ``None``."""
        last = list(self.recent)[-settings.alert_of :]
        bad = sum(past in ("moonlit", "bad", "severe") for past in last)
        in_a_row = sum(1 for _ in itertools.takewhile(TROUBLE_SIGNS.__contains__, reversed(self.recent)))
        enough = sign == "severe" or (sign in ("moonlit", "bad") and bad >= min(settings.alert_n, settings.alert_of))
        if sign not in TROUBLE_SIGNS or not (enough or in_a_row >= 2 * settings.alert_n):
            return None
        self._begin(frame, moment_s)
        trouble = [past for past in self.recent if past in TROUBLE_SIGNS]
        self.severity = "severe" if "severe" in trouble else "info" if set(trouble) == {"moonlit"} else "warning"
        self.cause = self._likely_cause()
        self.repeat = self._only_back(moment_s, settings.alert_cooldown_s)
        again = " again" if self.repeat else ""
        if self.kind == "failures":
            sentence = f"{bad} of the last {counted(len(last), 'file')} could not be read"
            return self._alert("opened", f"Again, {sentence}" if self.repeat else sentence)
        where = f"in {bad} of the last {counted(len(last), 'frame')}"
        where = where if enough else f"it seems, in the last {counted(in_a_row, 'frame')}"
        return self._alert("opened", f"{self._trouble()}{again} {where}{self._which()}")

    def _begin(self, frame: str, moment_s: float) -> None:
        """Make the identity of a new warning, and note where it begins."""
        self.opened += 1
        unique = f"{self.rig}\n{frame}\n{moment_s}\n{self.opened}".encode()
        self.alert_id = f"{self.kind}-{hashlib.sha256(unique).hexdigest()[:12]}"
        self.opened_at_s, self.good_in_a_row = moment_s, 0
        self.first_frame, _, self.first_name = self.evidence[0]

    def _open_by(self, notice: Notice, frame: str, name: str, moment_s: float, settings: JudgeSettings) -> Alert:
        """Return the alert that a notice opens."""
        self.evidence.clear()
        self.evidence.append((notice.first_frame, notice.cause, notice.first_name))
        if frame != notice.first_frame:
            self.evidence.append((frame, notice.cause, name))
        self._begin(frame, moment_s)
        self.severity, self.cause, self.detail = "severe" if "severe" in self.recent else "warning", notice.cause, ""
        self.repeat = self._only_back(moment_s, settings.alert_cooldown_s)
        return self._alert("opened", notice.sentence)

    def _trouble(self) -> str:
        """Return what is wrong, as the beginning of a sentence."""
        return MOON if self.severity == "info" else _TROUBLE[self.kind]

    def _which(self) -> str:
        """Name the first and the last frame of the trouble; empty where their names are not known."""
        first, last = self.first_name, self.evidence[-1][2] if self.evidence else ""
        if not first or not last:
            return ""
        return f", {last}" if first == last else f", {first} to {last}"

    def _only_back(self, moment_s: float, cooldown_s: float) -> bool:
        """Return whether this is the trouble that ended a short time ago, no worse, and for no other cause."""
        if self.closed_at_s is None or abs(moment_s - self.closed_at_s) >= cooldown_s:
            return False
        worse = SEVERITY_ORDER.index(self.severity) > SEVERITY_ORDER.index(self.closed_severity)
        return not worse and self.cause in (self.closed_cause, "none")

    def _while_open(self, sign: Sign, moment_s: float, settings: JudgeSettings) -> Alert | None:
        """Note a frame while the warning is open; return the alert that closes or updates it, or ``None``."""
        if self.good_in_a_row >= settings.alert_close:
            last = f"{counted(self.good_in_a_row, 'good frame')} in a row"
            if self.kind == "failures":
                # A frame that could be read counts as good here, whatever its verdict.
                last = f"the last {counted(self.good_in_a_row, 'file')} could be read"
            alert = self._alert("closed", f"Over: {last}")
            self.alert_id, self.closed_at_s = "", moment_s
            self.closed_severity, self.closed_cause, self.cause = self.severity, self.cause, "none"
            self._forget_all()
            return alert
        if sign == "severe" and self.severity != "severe":
            self.severity, self.repeat = "severe", self.repeat and self.closed_severity == "severe"
            self.cause = self._likely_cause()
            return self._alert("updated", f"{_TROUBLE[self.kind]} badly now{self._which()}")
        if sign == "bad" and self.severity == "info":
            self.severity, self.repeat, self.cause = "warning", False, self.evidence[-1][1]
            return self._alert("updated", f"{_TROUBLE[self.kind]}, and it is more than the moon{self._which()}")
        if self.repeat and sign in TROUBLE_SIGNS and not self._only_back(moment_s, settings.alert_cooldown_s):
            self.repeat = False
            return self._alert(
                "updated", f"{self._trouble()} still, or the cause or severity has changed{self._which()}"
            )
        cause = self._likely_cause()
        if sign in TROUBLE_SIGNS and cause not in (self.cause, "none"):
            self.cause = cause
            return self._alert("updated", f"{self._trouble()}, now for another reason{self._which()}")
        return None

    def _likely_cause(self) -> str:
        """Return the cause that more than half of the evidence names; the present one when there is none."""
        counted = Counter(cause for _, cause, _ in self.evidence)
        cause, times = counted.most_common(1)[0] if counted else ("none", 0)
        return cause if 2 * times > len(self.evidence) else self.cause

    def _alert(self, change: AlertChange, what: str) -> Alert:
        """Return the alert for a change of this warning, with its sentence, likely cause and advice."""
        detail = f" ({self.detail})" if self.detail and self.evidence and self.evidence[-1][1] == self.cause else ""
        cause = "" if self.cause == "none" or change == "closed" else f" Likely cause: {self.cause}{detail}."
        return Alert(
            alert_id=self.alert_id,
            kind=self.kind,
            change=change,
            severity=self.severity,
            cause=self.cause,
            evidence=tuple(frame for frame, _, _ in self.evidence),
            sentence=f"{what}{f' ({self.rig})' if self.rig else ''}.{cause}",
            advice="" if change == "closed" else advice_for(self.kind, self.cause),
            repeat=self.repeat,
            rig=self.rig,
            opened_at_s=self.opened_at_s,
            first_frame=self.first_frame or next((frame for frame, _, _ in self.evidence), ""),
            last_frame=self.evidence[-1][0] if self.evidence else self.first_frame,
        )

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "kind": self.kind,
            "rig": self.rig,
            "recent": list(self.recent),
            "frames": list(self.frames),
            "evidence": [list(seen) for seen in self.evidence],
            "good_in_a_row": self.good_in_a_row,
            "opened": self.opened,
            "alert_id": self.alert_id,
            "severity": self.severity,
            "cause": self.cause,
            "detail": self.detail,
            "repeat": self.repeat,
            "closed_at_s": self.closed_at_s,
            "closed_severity": self.closed_severity,
            "closed_cause": self.closed_cause,
            "opened_at_s": self.opened_at_s,
            "first_frame": self.first_frame,
            "first_name": self.first_name,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> AlertState:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        recent = deque(state["recent"])
        # A state of version 0.1.0 has no names.
        named = [*[""] * len(recent), *(str(name) for name in state.get("frames", ()))]
        frames = deque(named[len(named) - len(recent) :])
        restored = cls(**{**state, "recent": recent, "frames": frames, "evidence": deque(maxlen=MAX_EVIDENCE)})
        # Evidence of version 0.1 has no names of files.
        restored.evidence.extend((str(frame), str(cause), str(*name)) for frame, cause, *name in state["evidence"])
        return restored
