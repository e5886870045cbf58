"""What differs between two recordings of verdicts, in words."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = 40
"""Differences that are listed one by one; the rest are counted."""
LONGEST_VALUE = 100
"""Characters of a value that are shown."""

Key = tuple[str, str, str, int]
"""Night, kind, frame, and the number among documents of the same kind about the same frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a comparison.

    Attributes:
        differs: whether anything that was compared differs.
        sentences: what differs, and what was not compared.
    """

    differs: bool
    sentences: tuple[str, ...]


def compare(before: Path, after: Path, *, shared_fields: bool = False, ignore: Collection[str] = ()) -> Report:
    """Compare two recordings.

    Parameters:
        before, after: JSON Lines of ``python -m benchmarks.recorded record``.
        shared_fields: leave out kinds of documents, and fields of a kind, that occur nowhere in the other recording;
            they are named in the report.
        ignore: fields that are left out, as the report writes them without positions, such as ``reasons[].sentence``.

    Raises:
        SystemExit: a file cannot be read, or is no recording.
    """
    first, second = _read(before), _read(after)
    kinds = _only_one(_kinds(first), _kinds(second))
    fields = _only_one(_fields(first), _fields(second)) if shared_fields else frozenset()
    ignored_kinds = kinds if shared_fields else frozenset()
    left = {key: body for key, body in first.items() if key[1] not in ignored_kinds}
    right = {key: body for key, body in second.items() if key[1] not in ignored_kinds}
    differences = [f"{_named(key)}: only in {before.name}" for key in left if key not in right]
    differences += [f"{_named(key)}: only in {after.name}" for key in right if key not in left]
    counts: Counter[tuple[str, str]] = Counter()
    for key in left.keys() & right.keys():
        # Sorted below, as sets have no order.
        for field, old, new in _changes(left[key], right[key]):
            if _general(field) not in ignore and (key[1], _general(field)) not in fields:
                counts[key[1], _general(field)] += 1
                differences.append(f"{_named(key)}: {field}: {old} → {new}")
    differences += _reordered(left, right)
    differences.sort()
    sentences = [
        *_not_compared(ignored_kinds, fields),
        *(f"not compared, as asked: {field}" for field in sorted(ignore)),
    ]
    sentences += differences[:EXAMPLES]
    if len(differences) > EXAMPLES:
        sentences.append(f"… and {len(differences) - EXAMPLES} more differences")
    sentences += [f"{count} × {kind} {field}" for (kind, field), count in counts.most_common()]
    documents = f"{len(left)} documents before, {len(right)} after"
    sentences.append(f"{documents}: {len(differences)} differences" if differences else f"{documents}: no difference")
    return Report(differs=bool(differences), sentences=tuple(sentences))


def _read(path: Path) -> dict[Key, dict[str, Any]]:
    documents: dict[Key, dict[str, Any]] = {}
    seen: Counter[tuple[str, str, str]] = Counter()
    try:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            name = (row["night"], row["kind"], row["frame"])
            documents[*name, seen[name]] = row["body"]
            seen[name] += 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is not a recording of verdicts ({error}); record it again") from error
    return documents


def _kinds(documents: Mapping[Key, Any]) -> frozenset[str]:
    return frozenset(key[1] for key in documents)


def _fields(documents: Mapping[Key, dict[str, Any]]) -> frozenset[tuple[str, str]]:
    """Return each kind with each of its fields, the steps that lead to nested ones included."""
    fields: set[tuple[str, str]] = set()
    for key, body in documents.items():
        for field, _ in _leaves(body):
            steps = _general(field).split(".")
            fields.update((key[1], ".".join(steps[:depth])) for depth in range(1, len(steps) + 1))
    return frozenset(fields)


def _only_one(first: frozenset[Any], second: frozenset[Any]) -> frozenset[Any]:
    return first ^ second


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs with both values; numbers are compared as they are written."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for field in [*before, *(field for field in after if field not in before)]:
        left = json.dumps(before[field]) if field in before else "absent"
        right = json.dumps(after[field]) if field in after else "absent"
        if left != right:
            yield field, left[:LONGEST_VALUE], right[:LONGEST_VALUE]


def _general(field: str) -> str:
    """Return a field without the positions in its lists: ``reasons[2].value`` is ``reasons[].value``."""
    parts = field.split("[")
    return parts[0] + "".join("[" + part[part.index("]") :] for part in parts[1:])


def _reordered(left: Mapping[Key, Any], right: Mapping[Key, Any]) -> list[str]:
    """Return a sentence for each night whose documents came in another order."""
    orders: list[dict[str, list[Key]]] = []
    for one_side, other_side in ((left, right), (right, left)):
        order: dict[str, list[Key]] = defaultdict(list)
        for key in one_side:
            if key in other_side:
                order[key[0]].append(key)
        orders.append(order)
    return [
        f"{night}: the documents are in another order, first at {_named(old)[len(night) + 2 :]}"
        for night, keys in orders[0].items()
        for old in [next((a for a, b in zip(keys, orders[1][night], strict=True) if a != b), None)]
        if old is not None
    ]


def _named(key: Key) -> str:
    night, kind, frame, number = key
    return f"{night}: {frame} {kind}" + (f" (number {number + 1})" if number else "")


def _not_compared(kinds: frozenset[str], fields: frozenset[tuple[str, str]]) -> list[str]:
    sentences = [f"not compared, because only one recording has it: {kind}" for kind in sorted(kinds)]
    for kind, field in sorted(fields):
        nested = any((kind, field[:end]) in fields for end in range(len(field)) if field[end] in ".[")
        if kind not in kinds and not nested:
            sentences.append(f"not compared, because only one recording has it: {kind} {field}")
    return sentences
