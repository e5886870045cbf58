"""What the monitor and its worker say to each other: length-prefixed messages, one for each record.

A message is a big-endian length of four bytes, then ASCII JSON ``{"kind", "number", "body"}``, then, if the record has
bytes, a NUL and these. The monitor believes nothing it reads: lengths are bounded, types are checked strictly, numbers
must be finite.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Literal

from .. import recordjson
from ..looks import MAX_LOOK_BYTES
from ..records import Arrival, Baseline, BaselineKey, Examined, Failed, Skipped
from ..settings import Settings

MAX_MESSAGE_BYTES = 16 << 20
"""An answer has about 40 kB, a baseline about 15 kB, and a look about 300 kB."""

_LENGTH = struct.Struct(">I")
_BYTES_FOLLOW = b"\0"
"""Between the JSON, in which it cannot occur, and the bytes of a record."""


class WireError(ValueError):
    """The other side sent something that is no message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """One file to look at; the answer is ``Looked``, ``Skipped`` or ``Failed``.

    Attributes:
        to_show: whether its preview will be asked for afterwards.
    """

    arrival: Arrival
    to_show: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a worker saw of a file.

    Attributes:
        frame_id: of the frame.
        key: says which baseline it is compared with.
        look: the bytes of a look, see :func:`astro_monitor.looks.decode`; opaque to the monitor.
    """

    arrival: Arrival
    frame_id: str
    key: BaselineKey
    look: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """A look to compare with a baseline; the answer is ``Examined`` or ``Failed``.

    Attributes:
        key, version: of the baseline.
        baseline: itself; empty when this worker has this version of it.
    """

    arrival: Arrival
    key: BaselineKey
    version: int
    baseline: tuple[Baseline, ...]
    look: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Asks for the preview of the frame that this worker has looked at last; the answer is ``Shown``."""

    frame_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A preview.

    Attributes:
        jpeg: a JPEG file; empty where none could be made.
    """

    frame_id: str
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The models are loaded and warm. One entry for each: name, version, sha256, provider."""

    models: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The worker cannot start, and why."""

    error: Literal["ConfigError", "ModelError"]
    sentence: str


Question = LookAt | Compare | Show
"""What a worker is asked."""

Record = Settings | LookAt | Looked | Compare | Show | Shown | Ready | Refused | Examined | Skipped | Failed

_KINDS: dict[str, type[Any]] = {
    "settings": Settings,
    "look_at": LookAt,
    "looked": Looked,
    "compare": Compare,
    "show": Show,
    "shown": Shown,
    "ready": Ready,
    "refused": Refused,
    "examined": Examined,
    "skipped": Skipped,
    "failed": Failed,
}
_KIND_OF = {record: kind for kind, record in _KINDS.items()}
_BYTES_OF: dict[type[Any], str] = {Looked: "look", Compare: "look", Shown: "jpeg"}
"""The field of a record that is not written as JSON."""


def pack(record: Record, number: int = 0) -> bytes:
    """Return one record as the bytes of a message for the worker's pipe, its length not yet before it.

    Text that is no valid Unicode is written with backslash escapes; paths survive unchanged whatever their bytes.

    Parameters:
        record: what to say.
        number: which job it belongs to.

    Raises:
        WireError: a number in it is NaN or infinite.
    """
    field = _BYTES_OF.get(type(record))
    written: Any = record
    body = recordjson.plain(written if field is None else replace(written, **{field: b""}))
    try:
        text = recordjson.dump({"kind": _KIND_OF[type(record)], "number": number, "body": body})
    except ValueError as error:
        raise WireError("a record holds a number that is not finite") from error
    return text if field is None else text + _BYTES_FOLLOW + getattr(record, field)


def unpack(raw: bytes) -> tuple[Record, int]:
    """Return the record of a message of the worker's pipe, as :func:`pack` wrote it.

    Returns:
        the record, and the number of its job.

    Raises:
        WireError: these bytes are no message, whatever is wrong with them.
    """
    text, follow, attached = raw.partition(_BYTES_FOLLOW)
    try:
        message = recordjson.parse(text)
        kind, number, body = _KINDS[message["kind"]], message["number"], message["body"]
        if not isinstance(number, int):
            raise WireError("the number of a job is an integer")
        field = _BYTES_OF.get(kind)
        if bool(follow) != (field is not None) or len(attached) > MAX_LOOK_BYTES:
            raise WireError("bytes where none belong, none where some do, or too many")
        if field is not None:
            body[field] = ""
        record = recordjson.record(kind, body)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"no message: {type(error).__name__}") from error
    return (record if field is None else replace(record, **{field: attached})), number


def send(stream: BinaryIO, raw: bytes) -> None:
    """Write one message to the worker's pipe, with its length before it.

    Raises:
        WireError: it is longer than any message may be.
        OSError: the other side is gone.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise WireError(f"a message of {len(raw)} bytes is too long")
    stream.write(_LENGTH.pack(len(raw)) + raw)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Wait for one message from the worker's pipe and return it.

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
