"""The tables, and how a log of an earlier version becomes one of this version.

Never edit a released migration: append one. ``PRAGMA user_version`` counts those that were applied.
"""

from __future__ import annotations

APPLICATION_ID = 0x41534D4F
"""``ASMO``: marks the file as a night log, see ``PRAGMA application_id``."""

_VERSION_1 = (
    # One row: who this log is, and whether it was closed in order.
    """CREATE TABLE about (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        log_id TEXT NOT NULL,
        created TEXT NOT NULL,
        closed_in_order INTEGER NOT NULL,
        set_aside TEXT NOT NULL
    )""",
    # Everything that was or will be published, in order, without a hole. crc32 covers the text of the row.
    """CREATE TABLE documents (
        seq INTEGER PRIMARY KEY,
        doc_id TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL,
        night TEXT NOT NULL,
        kind TEXT NOT NULL,
        time TEXT NOT NULL,
        cause TEXT NOT NULL,
        body TEXT NOT NULL,
        crc32 INTEGER NOT NULL
    )""",
    "CREATE INDEX documents_by_kind ON documents (kind, seq)",
    "CREATE INDEX documents_by_session ON documents (session_id, seq)",
    "CREATE INDEX documents_by_night ON documents (night, seq)",
    # One row for each content that has an outcome. sort_time orders lists: DATE-OBS, else when it was judged.
    # decision (the latest), class, target and filter are for people who look with other tools.
    """CREATE TABLE frames (
        frame_id TEXT PRIMARY KEY,
        sha256 TEXT UNIQUE,
        outcome_seq INTEGER NOT NULL UNIQUE REFERENCES documents (seq),
        judged INTEGER NOT NULL,
        retryable INTEGER NOT NULL,
        decision TEXT NOT NULL,
        class TEXT NOT NULL,
        target TEXT NOT NULL,
        filter TEXT NOT NULL,
        sort_time TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX frames_in_order ON frames (sort_time, outcome_seq)",
    # Where contents were seen last. A path holds one content at a time; frame_id is null for an unreadable file.
    """CREATE TABLE sightings (
        seen INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        frame_id TEXT REFERENCES frames (frame_id),
        outcome_seq INTEGER NOT NULL REFERENCES documents (seq)
    )""",
    "CREATE INDEX sightings_by_frame ON sightings (frame_id, seen)",
    # Later decisions, all of them; the highest seq of a frame holds.
    """CREATE TABLE overrides (
        seq INTEGER PRIMARY KEY REFERENCES documents (seq),
        frame_id TEXT NOT NULL REFERENCES frames (frame_id),
        decision TEXT NOT NULL,
        by TEXT NOT NULL,
        why TEXT NOT NULL
    )""",
    "CREATE INDEX overrides_by_frame ON overrides (frame_id, seq)",
    # The newest document of each subject (a target, an open alert, the lists, the session), for those who join late.
    """CREATE TABLE latest (
        subject TEXT PRIMARY KEY,
        seq INTEGER NOT NULL REFERENCES documents (seq)
    ) WITHOUT ROWID""",
    "CREATE TABLE baselines (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE states (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)

_VERSION_2 = (
    # These detect other content under the same name, size and time. 0 and an empty text: unknown, as before.
    "ALTER TABLE sightings ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE sightings ADD COLUMN file_no INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE sightings ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2)
"""The statements that lead from version *n* to *n + 1*."""

VERSION = len(MIGRATIONS)

TABLES = frozenset(
    {"about", "documents", "frames", "sightings", "overrides", "latest", "baselines", "states"}
)  # fmt: skip
"""Tables that a log of this version has."""

_OLD_SKIPPED = """d.kind = 'frame.judged' AND d.body LIKE '%"flags":["not_a_light"]%'"""
"""How protocol 1.0 marked files that are no light frames. Quotes inside a text of the body would be escaped."""

IS_SKIPPED = f"(d.kind = 'frame.skipped' OR ({_OLD_SKIPPED}))"
"""True for a row ``d`` of ``documents`` about a file that is no light frame."""

IS_JUDGED = f"(d.kind = 'frame.judged' AND NOT ({_OLD_SKIPPED}))"
"""Holds for a row ``d`` of ``documents`` with the verdict on a light frame."""

DOCUMENT_COLUMNS = "seq, doc_id, session_id, kind, time, cause, body, crc32"
"""A document as it is read; the checksum covers the columns before it."""
