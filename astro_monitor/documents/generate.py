"""Writes the frozen views of the bodies: ``python -m astro_monitor.documents.generate astro_monitor/documents/views``.

A view is made from the JSON Schema of a body: one class for each object, one field for each property, a default where
the schema does not require the property. It reads tolerantly: properties it does not know are passed over.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

from . import alert, context, frame, session, vocabulary
from .base import Body
from .kinds import BODIES
from .schemas import document_schemas

COMMAND = "python -m astro_monitor.documents.generate astro_monitor/documents/views"

FAMILIES = (frame, alert, session, context)
"""Modules of bodies; each has a module of views of the same name."""

_HEAD = '''"""Views of the bodies in ``documents/{name}.py``.

Generated; to write it again: {command}
"""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import {dataclasses}
from typing import Any, Self
{words}'''


_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_WORDS = {
    get_args(alias): name
    for name, alias in sorted(vars(vocabulary).items())
    if get_origin(alias) is Literal
}  # fmt: skip
"""Names of the types of words, by the words."""

Schema = Mapping[str, Any]


def modules() -> dict[str, str]:
    """Return the text of each module of views, by file name."""
    definitions: dict[str, Schema] = {}
    kinds: dict[str, str] = {}
    for kind, schema in document_schemas().items():
        name = BODIES[kind].__name__
        definitions |= {**schema["$defs"], name: schema["properties"]["body"]}
        kinds[kind] = _view_name(name)
    return {
        "__init__.py": _index(kinds),
        **{f"{_module_name(family)}.py": _views_module(family, definitions) for family in FAMILIES},
    }


def write(folder: Path) -> None:
    """Write all modules of views into a folder."""
    for name, text in modules().items():
        (folder / name).write_text(text, "utf-8", newline="\n")


def _views_module(family: ModuleType, definitions: Mapping[str, Schema]) -> str:
    """Return the source text of the module of views for one module of document bodies."""
    words: set[str] = set()
    bodies = [
        name
        for name, value in vars(family).items()
        if isinstance(value, type) and issubclass(value, Body) and value.__module__ == family.__name__
    ]
    classes = [_class_text(_view_name(name), definitions[name], words) for name in bodies]
    dataclasses = "dataclass, field" if any("= field(" in text for text in classes) else "dataclass"
    imports = f"\nfrom ..vocabulary import {', '.join(sorted(words))}\n" if words else ""
    head = _HEAD.format(name=_module_name(family), command=COMMAND, dataclasses=dataclasses, words=imports)
    return "\n\n".join([head, *(f"{text}\n" for text in classes)])


def _index(kinds: Mapping[str, str]) -> str:
    """Return the module that collects the views."""
    lines = [
        '"""Frozen, typed views of the bodies of documents, for readers.',
        "",
        "Generated from the JSON Schemas. To write them again:",
        f"{COMMAND}",
        '"""',
        "",
        "from __future__ import annotations",
        "",
    ]
    names: list[str] = []
    for family in sorted(FAMILIES, key=_module_name):
        views = sorted(
            _view_name(name)
            for name, value in vars(family).items()
            if isinstance(value, type) and issubclass(value, Body) and value.__module__ == family.__name__
        )
        names += views
        lines += [f"from .{_module_name(family)} import (", *(f"    {view}," for view in views), ")"]
    lines += [
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in sorted([*names, "VIEWS", "View"], key=_in_all)),
        "]",
        "",
    ]
    lines += ["View = (", *_union_lines(dict.fromkeys(kinds.values())), ")", '"""A view of any body."""', ""]
    lines += ["VIEWS: dict[str, type[View]] = {", *(f'    "{kind}": {view},' for kind, view in kinds.items()), "}"]
    lines += ['"""The view of each kind."""', ""]
    return "\n".join(lines)


def _in_all(name: str) -> tuple[bool, str]:
    """Sort as ruff does: constants first."""
    return not name.isupper(), name


def _union_lines(names: Iterable[str]) -> list[str]:
    """Return the source lines of a type union of view names, one name a line."""
    return [f"    {'| ' if number else ''}{name}" for number, name in enumerate(names)]


def _module_name(family: ModuleType) -> str:
    """Return the name of a module of document bodies without its package."""
    return family.__name__.rsplit(".", 1)[1]


def _view_name(name: str) -> str:
    """Return the name of the view class of a document body: ``FrameJudged`` or ``StreakBody`` becomes ``…View``."""
    return f"{name.removesuffix('Body')}View"


def _class_text(name: str, schema: Schema, used: set[str]) -> str:
    """Return a class with its reader; the properties with a default come last."""
    required = set(schema.get("required", ()))
    properties = sorted(schema["properties"].items(), key=lambda item: item[0] not in required)
    fields, reads = [], []
    for key, rule in properties:
        attribute = f"{key}_" if keyword.iskeyword(key) else key
        default = "" if key in required else _default_text(rule)
        fields.append(f"    {attribute}: {_annotation(rule, used)}{default}")
        reads.append(f"            {attribute}={_read_expression(key, rule, required=key in required)},")
    sentence = schema["description"].replace("\n", " ").split(". ")[0].rstrip(".") + "."
    return "\n".join(
        [
            "@dataclass(frozen=True, slots=True, kw_only=True)",
            f"class {name}:",
            f'    """{sentence}"""',
            "",
            *fields,
            "",
            "    @classmethod",
            "    def of(cls, body: Mapping[str, Any]) -> Self:",
            "        return cls(",
            *reads,
            "        )",
        ]
    )


def _annotation(rule: Schema, used: set[str]) -> str:
    """Return the type annotation of a property of a view from its JSON Schema; adds the vocabulary names it uses."""
    if "$ref" in rule:
        return _view_name(rule["$ref"].rsplit("/", 1)[1])
    if "anyOf" in rule:
        return " | ".join(_annotation(member, used) for member in rule["anyOf"])
    if "enum" in rule:
        name = _WORDS[tuple(rule["enum"])]
        used.add(name)
        return name
    if rule["type"] == "array":
        return f"tuple[{_annotation(rule['items'], used)}, ...]"
    if rule["type"] == "object":
        return f"Mapping[str, {_annotation(rule['additionalProperties'], used)}]"
    return _SCALARS[rule["type"]]


def _default_text(rule: Schema) -> str:
    """Return the default value of an optional property of a view as source text, with ``=`` in front."""
    if "default" in rule:
        return f" = {_literal(rule['default'])}"
    return " = ()" if rule["type"] == "array" else " = field(default_factory=dict)"


def _literal(value: Any) -> str:
    """Return a default value from a JSON Schema as Python source text."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _read_expression(key: str, rule: Schema, *, required: bool) -> str:
    """Return the expression that reads a property of ``body``."""
    if required:
        return _conversion(rule, f'body["{key}"]')
    if "default" in rule and _is_plain(rule):
        return f'body.get("{key}", {_literal(rule["default"])})'
    if "anyOf" in rule:
        inner = next(member for member in rule["anyOf"] if member.get("type") != "null")
        return f'None if body.get("{key}") is None else {_conversion(inner, f"""body["{key}"]""")}'
    return _conversion(rule, f'body.get("{key}", {"()" if rule["type"] == "array" else "{}"})')


def _conversion(rule: Schema, source: str) -> str:
    """Return the expression that converts a JSON value into the type of a view."""
    if "$ref" in rule:
        return f"{_annotation(rule, set())}.of({source})"
    if rule.get("type") != "array":
        return source
    items = rule["items"]
    if _is_plain(items):
        return f"tuple({source})"
    return f"tuple({_conversion(items, 'part')} for part in {source})"


def _is_plain(rule: Schema) -> bool:
    """Return whether a value is the same as a view: a scalar, or a mapping of scalars."""
    if "anyOf" in rule:
        return all(_is_plain(member) for member in rule["anyOf"])
    return "$ref" not in rule and rule.get("type") != "array"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {COMMAND}")
    write(Path(sys.argv[1]))
