"""Writes the JSON Schemas of the wire format: ``python -m astro_monitor.publish.schemas docs/reference/schemas``.

One schema for each kind of document, envelope included, and one each for questions and answers on the control socket.
They allow fields that are not listed, because a later minor version may add some.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..documents import BODIES, Document
from .control import ControlReply, ControlRequest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Make all schemas.

    Returns:
        the text of each file, by file name.
    """
    made = {f"{kind}.json": _document_schema(kind, body) for kind, body in BODIES.items()}
    for name, model in (("control-request", ControlRequest), ("control-reply", ControlReply)):
        made[f"{name}.json"] = {"$schema": _DIALECT, **_open(model.model_json_schema())}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}


def write(folder: Path) -> None:
    """Replace the schemas in a folder, and remove those of kinds that no longer exist."""
    folder.mkdir(parents=True, exist_ok=True)
    made = schemas()
    for stale in set(folder.glob("*.json")) - {folder / name for name in made}:
        stale.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8", newline="\n")


def _document_schema(kind: str, body: type[BaseModel]) -> dict[str, Any]:
    envelope, inner = _open(Document.model_json_schema()), _open(body.model_json_schema())
    definitions = inner.pop("$defs", {})
    properties = envelope["properties"] | {"kind": {"const": kind}, "body": inner}
    required = sorted({*envelope["required"], "schema"})
    return {
        "$schema": _DIALECT,
        "title": kind,
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": definitions,
    }


def _open(schema: Any) -> Any:
    """Take out ``additionalProperties: false``, as readers must be tolerant, and titles, which only repeat the keys."""
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _open(part)
        for key, part in schema.items()
        if not (key == "additionalProperties" and part is False) and not (key == "title" and isinstance(part, str))
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m astro_monitor.publish.schemas FOLDER")
    write(Path(sys.argv[1]))
