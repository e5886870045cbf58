"""What the monitor and its worker say to each other: length-prefixed JSON, one message for each record.

A message is a big-endian length of four bytes, then UTF-8 JSON ``{"kind", "number", "body"}``. The monitor
believes nothing it reads: lengths are bounded, types are checked strictly, numbers must be finite.
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pydantic import BaseModel, TypeAdapter, ValidationError

from ..records import Arrival, Baseline, Examined, Failed, Skipped
from ..settings import Settings

MAX_MESSAGE_BYTES = 16 << 20
"""An answer has about 40 kB; a job grows with the number of baselines, about 15 kB each."""

_LENGTH = struct.Struct(">I")


class WireError(ValueError):
    """The other side sent something that is no message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to examine, and what is normal so far."""

    arrival: Arrival
    baselines: tuple[Baseline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The models are loaded and warm. One entry for each: name, version, sha256, provider."""

    models: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The worker cannot start, and why."""

    error: Literal["ConfigError", "ModelError"]
    sentence: str


Record = Settings | Job | Ready | Refused | Examined | Skipped | Failed

_KINDS: dict[str, type[Any]] = {
    "settings": Settings,
    "job": Job,
    "ready": Ready,
    "refused": Refused,
    "examined": Examined,
    "skipped": Skipped,
    "failed": Failed,
}
_KIND_OF = {record: kind for kind, record in _KINDS.items()}


def pack(record: Record, number: int = 0) -> bytes:
    """Write one record as the bytes of a message, its length not yet before it.

    Text that is no valid Unicode is written with backslash escapes; paths survive unchanged whatever their bytes.

    Parameters:
        record: what to say.
        number: which job it belongs to.

    Raises:
        WireError: a number in it is NaN or infinite.
    """
    message = {"kind": _KIND_OF[type(record)], "number": number, "body": _plain(record)}
    try:
        return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    except ValueError as error:
        raise WireError("a record holds a number that is not finite") from error


def unpack(raw: bytes) -> tuple[Record, int]:
    """Read what :func:`pack` wrote.

    Returns:
        the record, and the number of its job.

    Raises:
        WireError: these bytes are no message, whatever is wrong with them.
    """
    try:
        message = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        kind, number, body = message["kind"], message["number"], message["body"]
        if not isinstance(number, int):
            raise WireError("the number of a job is an integer")
        # Through JSON again, because only there strict checking accepts a list for a tuple and a text for a date.
        record = _adapter(kind).validate_json(json.dumps(body), strict=True)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise WireError(f"no message: {type(error).__name__}") from error
    if hasattr(record, "arrival"):
        arrival = record.arrival
        record = replace(record, arrival=replace(arrival, path=_path(arrival.path), root=_path(arrival.root)))
    return record, number


def send(stream: BinaryIO, raw: bytes) -> None:
    """Write one message with its length before it.

    Raises:
        WireError: it is longer than any message may be.
        OSError: the other side is gone.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise WireError(f"a message of {len(raw)} bytes is too long")
    stream.write(_LENGTH.pack(len(raw)) + raw)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Wait for one message.

    Returns:
        its bytes, or ``None`` when the other side has closed the pipe between two messages.

    Raises:
        WireError: the pipe was closed inside a message, or the length is absurd.
    """
    prefix = stream.read(_LENGTH.size)
    if not prefix:
        return None
    if len(prefix) < _LENGTH.size:
        raise WireError("the pipe was closed inside a message")
    (length,) = _LENGTH.unpack(prefix)
    if length > MAX_MESSAGE_BYTES:
        raise WireError(f"a message of {length} bytes is announced; none is so long")
    raw = stream.read(length)
    if len(raw) < length:
        raise WireError("the pipe was closed inside a message")
    return raw


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_KINDS[kind])


def _plain(value: Any) -> Any:
    """Turn records into what JSON knows. Paths become percent-escaped bytes, because names need not be Unicode."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Path):
        return quote_from_bytes(os.fsencode(value), safe="")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value]


def _path(quoted: Path) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(str(quoted))))


def _refuse(name: str) -> NoReturn:
    raise WireError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise WireError(f"{text} is no finite number")
    return number
