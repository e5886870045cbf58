"""The envelope of the documents: how one is written, read and addressed, whatever its body is.

It needs no numpy and no body type, so any process may read documents.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ..errors import AstroMonitorError

SCHEMA: Literal["astro-monitor/1"] = "astro-monitor/1"
"""Name and major version of the wire format; additions keep it."""

PROTOCOL = "1.3"
"""Major and minor version, given in ``session.started`` and in every answer. Documents without it are of 1.0.

1.1: a file that is no light frame gets ``frame.skipped``, where 1.0 had ``frame.judged`` with the flag
``not_a_light`` and the decision ``review``; ``session.stopped`` and ``list.written`` count such files.

1.2: ``context.observed`` and ``plugin.disabled``; alerts have the rig, when they were opened, the first and the last
frame; frames have the rig, the field grid, the air mass and the name of their preview. The request ``observe``.

1.3: the cause ``moon`` of frames and alerts.
"""

TOPIC_ROOT = "am1/"
"""All topics start with this; the digit is the major version."""


class Body(BaseModel):
    """What all bodies share: unknown fields and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Document(BaseModel):
    """The envelope.

    Attributes:
        schema_: name and major version of this format.
        kind: one of ``documents.BODIES``; a later minor version may have others.
        doc_id: unique; made by the night log.
        session_id: one run of the program.
        seq: rises by one with each logged document; the night log's own. 0 until the night log has given it one.
        time: when the document was made, UTC.
        cause: ``doc_id`` of the document that led to this one, or empty.
        body: as ``kind`` says.
    """

    # "constants": a number that is not finite must reach the writer, which refuses it, not turn into null.
    model_config = ConfigDict(
        extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True, ser_json_inf_nan="constants"
    )

    schema_: Literal["astro-monitor/1"] = Field(default=SCHEMA, alias="schema")
    kind: str
    doc_id: str
    session_id: str
    seq: Annotated[int, Field(ge=0)]
    time: str
    cause: str = ""
    body: dict[str, Any]


_UNPRINTABLE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

_ANY = TypeAdapter(dict[str, Any])


class BadDocument(AstroMonitorError, ValueError):
    """Bytes that are no document of this version."""


def encode(document: Document) -> bytes:
    """Write a document as compact UTF-8 JSON; NaN and infinity are refused.

    Letters that a terminal would act on (control characters, marks that turn the direction of writing) are written as
    JSON escapes, so that a document may be shown as it is.

    Raises:
        ValueError: a number is not finite.
    """
    plain = document.model_dump(mode="json", by_alias=True)
    text = json.dumps(plain, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if not text.isprintable():
        text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Document:
    """Read a document, tolerating fields this version does not know.

    Raises:
        BadDocument: not JSON, not an object, or of another major version.
    """
    try:
        plain = _ANY.validate_json(data)
    except ValueError as error:
        raise BadDocument(f"not a document: {str(error).splitlines()[0]}") from error
    if plain.get("schema") != SCHEMA:
        raise BadDocument(f"schema {plain.get('schema')!r} is not {SCHEMA}; update the reader")
    known = {field.alias or name for name, field in Document.model_fields.items()}
    try:
        return Document.model_validate({key: value for key, value in plain.items() if key in known})
    except ValueError as error:
        raise BadDocument(f"not a document: {str(error).splitlines()[0]}") from error


def topic(kind: str, body: dict[str, Any]) -> str:
    """Return the topic of a document; it ends with a slash because subscriptions match by prefix.

    Alerts carry their kind: ``am1/alert/tracking/``. Everything else: ``am1/frame/judged/`` and so on.
    """
    if kind.startswith("alert."):
        return f"{TOPIC_ROOT}alert/{body.get('kind', '')}/"
    return f"{TOPIC_ROOT}{kind.replace('.', '/')}/"


def body_json(body: Body) -> dict[str, Any]:
    """Return a body as plain JSON values.

    Raises:
        pydantic.ValidationError: a value does not fit the schema.
    """
    return body.model_dump(mode="json", by_alias=True)
