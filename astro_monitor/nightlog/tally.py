"""What a session has done, counted from its documents: for one that ended without saying it itself."""

from __future__ import annotations

from dataclasses import dataclass

from .database import Database
from .schema import IS_JUDGED, IS_SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The outcomes of one session.

    Attributes:
        judged, skipped, failed: files whose last outcome in this session is that.
        last_seq: number of its last document.
    """

    judged: int
    skipped: int
    failed: int
    last_seq: int


def tally(database: Database, session_id: str) -> Tally:
    """Count the documents of a session in the night log.

    Parameters:
        database: of the night log.
        session_id: of a session that has at least one document.
    """

    def count(where: str) -> int:
        statement = f"SELECT count(*) FROM documents d WHERE {where} AND d.session_id = ?"  # noqa: S608
        return int(database.rows(statement, (session_id,))[0][0])

    # A failure that passed is followed by another outcome of the same file, which names it as its cause.
    overtaken = database.rows(
        "SELECT count(*) FROM documents later JOIN documents failed ON failed.doc_id = later.cause "
        "WHERE later.session_id = ? AND later.kind LIKE 'frame.%' "
        "AND failed.kind = 'frame.failed' AND failed.session_id = ?",
        (session_id, session_id),
    )[0][0]
    # A verdict on what a file held before is taken back when another content has its own.
    replaced = database.rows(
        "SELECT count(*) FROM documents judged JOIN frames f ON f.outcome_seq = judged.seq "
        "JOIN documents later ON later.seq = (SELECT max(seq) FROM overrides o WHERE o.frame_id = f.frame_id) "
        "WHERE judged.session_id = ? AND later.session_id = ? "
        "AND coalesce(json_extract(later.body, '$.replaced_by'), '') != ''",
        (session_id, session_id),
    )[0][0]
    return Tally(
        judged=count(IS_JUDGED) - int(replaced),
        skipped=count(IS_SKIPPED),
        failed=count("d.kind = 'frame.failed'") - int(overtaken),
        last_seq=int(database.rows("SELECT max(seq) FROM documents WHERE session_id = ?", (session_id,))[0][0]),
    )
