"""Writes the JSON Schemas of the wire format: ``python -m astro_monitor.publish.schemas docs/reference/schemas``.

One schema for each kind of document, and one each for questions and answers on the control socket.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ..documents.schemas import document_schemas, model_schema
from .control import ControlReply, ControlRequest


def schemas() -> dict[str, str]:
    """Return the text of each schema file, by file name."""
    all_schemas = document_schemas() | {
        "control-request": model_schema(ControlRequest),
        "control-reply": model_schema(ControlReply),
    }
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in all_schemas.items()
    }


def write(folder: Path) -> None:
    """Replace the schemas in a folder, and remove those of kinds that no longer exist."""
    folder.mkdir(parents=True, exist_ok=True)
    made = schemas()
    for stale in set(folder.glob("*.json")) - {folder / name for name in made}:
        stale.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m astro_monitor.publish.schemas FOLDER")
    write(Path(sys.argv[1]))
