"""The status that INDI reads: which warnings are open, and what that means for the roof."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astro_monitor.documents import AlertView, Document, view

OLD_S = 30.0
"""A status that was not renewed for so long says nothing any more."""

Report = dict[str, Any]


@dataclass
class OpenWarnings:
    """Which of the wanted warnings are open. Alerts for information, as of a bright moon, never count.

    Parameters:
        kinds: that make the sky unsafe, such as ``background``.
        severe_only: whether warnings that are not severe are left out.
    """

    kinds: frozenset[str]
    severe_only: bool = False
    _open: dict[str, str] = field(default_factory=dict)

    def hear(self, document: Document) -> None:
        """Take note of a document; what is no warning is ignored."""
        alert = view(document)
        if not isinstance(alert, AlertView):
            return
        if document.kind == "alert.closed" or alert.severity == "info":
            self._open.pop(alert.alert_id, None)
        elif alert.kind in self.kinds and (not self.severe_only or alert.severity == "severe"):
            self._open[alert.alert_id] = alert.sentence

    def reasons(self) -> list[str]:
        """Give one sentence for each open warning."""
        return list(self._open.values())


def report(reasons: Iterable[str], *, safe: bool) -> Report:
    """Put a status into the form that the Weather Safety Proxy reads (INDI, ``weather_safety_proxy.cpp``).

    Parameters:
        reasons: sentences for the user.
        safe: whether the roof may be open.
    """
    return {"roof_status": {"open_ok": int(safe), "reasons": " ".join(reasons)}}


def judged(warnings: OpenWarnings, *, silent: bool, silent_is_safe: bool) -> Report:
    """Say whether the roof may be open.

    Parameters:
        warnings: what is known.
        silent: whether the monitor has not been heard lately.
        silent_is_safe: what that means.
    """
    reasons = warnings.reasons()
    if silent:
        reasons = ["astro-monitor is silent; check that 'astro-monitor watch' is running.", *reasons]
    safe = not warnings.reasons() and (silent_is_safe or not silent)
    return report(reasons or ["No warning is open."], safe=safe)


def write(path: Path, content: Report, now_s: float) -> None:
    """Replace the status file in one step.

    Parameters:
        now_s: seconds since the epoch.
    """
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps({**content, "written_s": now_s}), "utf-8")
    partial.replace(path)


def read(path: Path, now_s: float) -> Report:
    """Read the status; a missing, damaged or old one means unsafe, with the reason."""
    try:
        content = json.loads(path.read_text("utf-8"))
        age_s = now_s - float(content.pop("written_s"))
        safe, reasons = bool(content["roof_status"]["open_ok"]), str(content["roof_status"]["reasons"])
    except FileNotFoundError:
        return report(["There is no status yet; start 'astro-monitor-indi-safety run'."], safe=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return report([f"The status file {path} cannot be read; restart 'astro-monitor-indi-safety run'."], safe=False)
    if not -OLD_S <= age_s <= OLD_S:
        return report(
            [f"The status is {age_s:.0f} s old; check that 'astro-monitor-indi-safety run' is running."], safe=False
        )
    return report([reasons], safe=safe)
