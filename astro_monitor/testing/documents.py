"""The documents of a small night, as the daemon would log them: for tests of sinks, subscribers and bridges."""

from __future__ import annotations

from typing import Any

from ..documents import Document

SESSION_ID = "5e551011" * 4
"""Identity of the session of invented documents."""
_DECISIONS = ("keep", "keep", "review", "reject", "keep")
_REASONS = {
    "keep": "The quality model sees a good frame (good: 97 %).",
    "review": "Only 6 stars could be measured, so their shapes are uncertain.",
    "reject": "Stars are elongated by 1.40 times their width, all in one direction; 0.8 times is the border.",
}


def recorded_documents() -> list[Document]:
    """Return the documents of a session with five frames and one alert, in the order of the log.

    Bodies hold the fields that most programs use, not all of them: the reference of ``--json`` lists every field.
    """
    documents = [
        _document(1, "session.started", {"mode": "watch", "software": "astro-monitor", "watch_root": "/night"})
    ]
    for number, decision in enumerate(_DECISIONS, 1):
        documents.append(_document(len(documents) + 1, "frame.judged", _frame(number, decision)))
        if decision == "reject":
            alert = {
                "alert_id": "a1e77000" * 4, "kind": "tracking", "severity": "warning",
                "sentence": "Tracking: 1 of the last 3 frames is bad.", "advice": "Check the guiding.",
            }  # fmt: skip
            documents.append(_document(len(documents) + 1, "alert.opened", alert))
    stopped = {"reason": "stopped", "sentence": "The watch was stopped.", "frames_judged": len(_DECISIONS)}
    documents.append(_document(len(documents) + 1, "session.stopped", stopped))
    return documents


def _frame(number: int, decision: str) -> dict[str, Any]:
    """Return the body of a ``frame.judged`` document for tests."""
    name = f"light_{number:03d}.fits"
    return {
        "frame_id": f"{number:016x}",
        "file": f"/night/{name}",
        "root": "/night",
        "relative_path": name,
        "decision": decision,
        "class": "bad_tracking" if decision == "reject" else "good",
        "cause": "none",
        "flags": [],
        "weight": 1.0 if decision == "keep" else 0.0,
        "reasons": [{"rule": "model_class", "decision": decision, "sentence": _REASONS[decision]}],
        "measurements": {"star_count": 300.0 + number, "fwhm_px": 2.5},
        "why_missing": {},
    }


def _document(seq: int, kind: str, body: dict[str, Any]) -> Document:
    """Return a document of the small night for tests, numbered and dated by its sequence number."""
    return Document(
        doc_id=f"{seq:032x}", kind=kind, time=f"2026-03-20T21:{seq:02d}:00.000Z", seq=seq, session_id=SESSION_ID,
        body=body,
    )  # fmt: skip
