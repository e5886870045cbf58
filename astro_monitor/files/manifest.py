"""The manifest of moved files: one signed line for each, on the disk before its file moves.

Undoing moves files, so it must follow nothing but what this program wrote: each line carries an HMAC-SHA-256 (RFC 2104)
with a key that is kept next to the night log, out of reach of anyone who can only write to the captures.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ConfigError
from ..openfile import open_plain
from ..plain import because

MANIFEST = "astro-monitor-moved.jsonl"
KEY = "moved.key"
"""The file with the key, next to the night log."""

KEY_BYTES = 32
"""Length of the key that signs manifests: that of the SHA-256 it is used with."""
MAX_LINE_BYTES = 1 << 16
"""Two paths of the longest kind, escaped, and the rest of a line fit."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a file that has moved, or was about to.

    Attributes:
        source: where it was.
        goal: where it went.
        sha256: of its content.
        signed: the line is whole, was written with the key, and is about this capture folder.
    """

    source: Path
    goal: Path
    sha256: str
    signed: bool


def key_of(state: Path) -> bytes:
    """Return the signing key of the manifests of moved files; it is created at the first call.

    Parameters:
        state: the folder of the night log.

    Raises:
        ConfigError: it cannot be read or made.
    """
    path = state / KEY
    try:
        if not os.path.lexists(path):
            # Whole under another name first: a key that a crash cut short would make every manifest worthless.
            part = state / f".{KEY}.{secrets.token_hex(4)}"
            with os.fdopen(open_plain(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be used: {because(error)}; check the state folder") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{path} is not a key of this program; move it away, and move files of earlier runs back by hand"
        )
    return key


def append(manifest: BinaryIO, line: Line, root: Path, key: bytes) -> None:
    """Write one line to the manifest of moved files, durable on return.

    Parameters:
        manifest: open for appending; :func:`open_manifest`.
        line: what is about to move.
        root: the capture folder.
        key: from :func:`key_of`.
    """
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"), "root": str(root), "from": str(line.source),
        "to": str(line.goal), "sha256": line.sha256,
    }  # fmt: skip
    manifest.write(json.dumps(entry | {"hmac": _mac(entry, key)}).encode("ascii") + b"\n")
    manifest.flush()
    os.fsync(manifest.fileno())


def open_manifest(goal: Path) -> BinaryIO:
    """Open the manifest of moved files for appending; end a last line that a crash has torn, so it spoils no other.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    file = os.fdopen(open_plain(goal / MANIFEST, os.O_RDWR | os.O_CREAT | os.O_APPEND), "r+b")
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
    return file


def read(goal: Path, root: Path, key: bytes) -> Iterator[Line]:
    """Yield the lines of a manifest of moved files; torn or invalid ones are ignored.

    Parameters:
        goal: the folder that holds the manifest.
        root: the capture folder.
        key: from :func:`key_of`.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(open_plain(goal / MANIFEST, os.O_RDONLY), "rb") as file:
        while text := file.readline(MAX_LINE_BYTES):
            try:
                record = json.loads(text)
                source, to = Path(str(record["from"])), Path(str(record["to"]))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            mac = record.pop("hmac", "")
            signed = hmac.compare_digest(_mac(record, key).encode(), str(mac).encode("utf-8", "replace"))
            yield Line(source, to, str(record.get("sha256", "")), signed and record.get("root") == str(root))


def _mac(entry: dict[str, Any], key: bytes) -> str:
    """Return the signature of a line of the manifest of moved files (HMAC-SHA256, as hex digits)."""
    return hmac.new(key, json.dumps(entry, sort_keys=True).encode("ascii"), hashlib.sha256).hexdigest()
