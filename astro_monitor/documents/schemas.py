"""JSON Schemas of the documents (draft 2020-12), one for each kind, envelope included.

They allow fields that are not listed, because a later minor version may add some.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .base import Document
from .kinds import BODIES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each kind of document."""
    return {kind: _document_schema(kind, body) for kind, body in BODIES.items()}


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a single model, open for fields of later versions."""
    return {"$schema": DIALECT, **_opened(model.model_json_schema())}


def _document_schema(kind: str, body: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of one kind of document: the envelope with the body inside."""
    envelope, inner = _opened(Document.model_json_schema()), _opened(body.model_json_schema())
    definitions = inner.pop("$defs", {})
    properties = envelope["properties"] | {"kind": {"const": kind}, "body": inner}
    required = sorted({*envelope["required"], "schema"})
    return {
        "$schema": DIALECT,
        "title": kind,
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": definitions,
    }


def _opened(schema: Any) -> Any:
    """Return a schema without ``additionalProperties: false`` and without titles, which only repeat the keys."""
    if isinstance(schema, list):
        return [_opened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _opened(part)
        for key, part in schema.items()
        if not (key == "additionalProperties" and part is False) and not (key == "title" and isinstance(part, str))
    }
