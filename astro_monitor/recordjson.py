"""Records without arrays as JSON, and back, strictly checked: for the worker's pipe and for looks."""

from __future__ import annotations

import json
import math
import os
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pydantic import BaseModel, TypeAdapter


def plain(value: Any) -> Any:
    """Return a record as plain data that JSON knows.

    Paths become percent-escaped bytes, because names need not be Unicode; text that is no valid Unicode is written with
    backslash escapes.
    """
    # By the exact type first: a record has a thousand numbers, and the questions below would be asked for each.
    kind = type(value)
    if kind is float or kind is int or kind is bool or value is None:
        return value
    if kind is str:
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if kind is tuple or kind is list:
        return [plain(entry) for entry in value]
    if kind is dict:
        return {plain(key): plain(entry) for key, entry in value.items()}
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _names(kind)}
    return _plain_otherwise(value)


def _plain_otherwise(value: Any) -> Any:
    """Return a value of a record as plain JSON data, for types that are not tried first."""
    if isinstance(value, str):
        return plain(str(value))
    if isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        return value.decode("ascii")
    if isinstance(value, Path):
        return quote_from_bytes(os.fsencode(value), safe="")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {plain(key): plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value]


def _names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a record."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def dump(value: Any) -> bytes:
    """Return the plain data of a record, from :func:`plain`, as ASCII JSON.

    Raises:
        ValueError: a number in it is NaN or infinite.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def parse(raw: bytes) -> Any:
    """Return the data of a record's JSON in which every number must be finite.

    Raises:
        ValueError, RecursionError: it is not.
    """
    return json.loads(raw, parse_constant=_refuse, parse_float=_finite)


def record(kind: type[Any], body: Any) -> Any:
    """Return the record that the data from :func:`parse` describes.

    Parameters:
        kind: class of the record.
        body: its fields; types are checked strictly.

    Raises:
        ValueError: a field is missing, unknown, or of another type.
    """
    # Through JSON again, because only there strict checking accepts a list for a tuple and a text for a date.
    made = _adapter(kind).validate_json(json.dumps(body), strict=True)
    if hasattr(made, "arrival"):
        arrival = made.arrival
        made = replace(made, arrival=replace(arrival, path=_path(arrival.path), root=_path(arrival.root)))
    return made


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Return the validator of a type of record; it is built once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _path(quoted: Path) -> Path:
    """Return the path of the file that its percent-encoded form in JSON stands for."""
    return Path(os.fsdecode(unquote_to_bytes(str(quoted))))


def _refuse(name: str) -> NoReturn:
    """Raise ``ValueError`` for a JSON constant such as ``NaN`` in a record."""
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    """Return a number of a JSON record; raise ``ValueError`` when it is not finite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number
