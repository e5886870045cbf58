"""No room reads the plain body of a document: all take a view, whose fields the type checker knows."""

from __future__ import annotations

import ast

DOORS = ("documents", "testing")
"""Rooms that make views and bodies."""


def plain_reads(tree: ast.AST) -> list[int]:
    """Return the lines that index the body of a document, or ask it for a key."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "body")
        or (
            isinstance(node, ast.Attribute)
            and node.attr == "get"
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "body"
        )
    ]


def test_the_check_finds_both_ways() -> None:
    assert plain_reads(ast.parse('document.body["kind"]\ndocument.body.get("kind")\nview.kind')) == [1, 2]


def test_bodies_are_read_as_views(repository) -> None:
    rooms = repository / "astro_monitor"
    found = {
        str(path.relative_to(rooms)): lines
        for path in rooms.rglob("*.py")
        if path.relative_to(rooms).parts[0] not in DOORS and (lines := plain_reads(ast.parse(path.read_text("utf-8"))))
    }
    # Errors of plugins come from the reasons of missing numbers alone, in a thread that must not end.
    found.pop("sinks/registered.py", None)
    assert not found, f"read these through documents.view: {found}"
