"""Errors in settings, each as one sentence for a person who does not know the code."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from .plain import counted, shown

CLOSE = 0.7
"""Least similarity, 0 to 1, at which a known name is suggested for an unknown one."""

Path = tuple[str, ...]


def leaves(tree: type[BaseModel]) -> list[Path]:
    """Return the paths of all settings, such as ``("watch", "quiet_s")``."""
    paths: list[Path] = []
    for name, field in tree.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            paths += [(name, *path) for path in leaves(section)]
        else:
            paths.append((name,))
    return paths


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most similar to an unknown one; empty when none is similar."""
    close = difflib.get_close_matches(name.lower(), list(known), 1, CLOSE)
    return close[0] if close else ""


def complaint(error: ValidationError, tree: type[BaseModel], origin: Callable[[Path], str]) -> str:
    """Return what is wrong, and what to write instead.

    Parameters:
        error: what pydantic says.
        tree: the settings.
        origin: says where the value at a path comes from, such as ``in /etc/night.toml``; empty when nothing is known.
    """
    problems = error.errors(include_url=False)
    first = problems[0]
    path = tuple(str(step) for step in first["loc"])
    where = origin(path)
    more = f" (and {counted(len(problems) - 1, 'more problem')})" if len(problems) > 1 else ""
    sentence = _unknown(path, tree) if first["type"] == "extra_forbidden" else wrong(path, first)
    return f"{sentence}{f' ({where})' if where else ''}{more}; see 'astro-monitor config --help'"


def _unknown(path: Path, tree: type[BaseModel]) -> str:
    """Return that there is no such setting, with a suggestion: one of the same section, of another, or a section."""
    every = leaves(tree)
    section, name = path[:-1], path[-1]
    near = nearest(name, [leaf[-1] for leaf in every if leaf[:-1] == section])
    if near:
        return f"there is no setting {shown('.'.join(path))}; did you mean {near}?"
    sections = {leaf[0] for leaf in every if len(leaf) > 1}
    near_section = nearest(name, sections) if not section else ""
    if near_section:
        return f"there is no section [{shown(name)}]; did you mean [{near_section}]?"
    elsewhere = {leaf[-1]: leaf for leaf in every}
    near = nearest(name, elsewhere)
    if near:
        leaf = elsewhere[near]
        where = f"in section [{leaf[0]}]" if len(leaf) > 1 else "above all sections"
        return f"there is no setting {shown('.'.join(path))}; did you mean {near} {where}?"
    return f"there is no setting {shown('.'.join(path))}"


def wrong(path: Path, problem: Mapping[str, Any]) -> str:
    """Return what a value must be.

    Parameters:
        path: of the value.
        problem: one of pydantic's errors; without ``input`` the wrong value is not repeated.
    """
    limits, kind, key = problem.get("ctx", {}), problem["type"], shown(".".join(path))
    given = f", not {shown(repr(problem['input']))}" if "input" in problem else ""
    if kind in ("model_type", "model_attributes_type"):
        return f"{key} is a section, not a setting; write [{key}] on a line of its own and its settings below"
    if kind == "literal_error":
        expected = limits["expected"]
        return f"{key} must be {_one_of(expected)}{given}{_perhaps(problem.get('input'), expected)}"
    if kind == "missing":
        return f"{key} is missing"
    if kind == "string_too_long":
        return f"{key} may have at most {counted(limits['max_length'], 'character')}"
    if kind == "extra_forbidden":
        return f"{key} is not known"
    if kind == "string_pattern_mismatch":
        return f"{key} has an invalid format"
    for start, must in _MUST:
        if kind.startswith(start):
            return f"{key} must be {must.format(**limits)}{given}"
    message = str(problem["msg"])
    return f"{key} cannot be used{given}: {shown(message[:1].lower() + message[1:])}"


_MUST: Sequence[tuple[str, str]] = (
    # How pydantic's name of the problem begins, and what the value must be. The first that fits counts.
    ("greater_than_equal", "at least {ge:g}"),
    ("greater_than", "more than {gt:g}"),
    ("less_than_equal", "at most {le:g}"),
    ("less_than", "less than {lt:g}"),
    ("finite_number", "a finite number"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("string", "text in quotes"),
    ("path", "a path in quotes"),
    ("tuple", "a list such as ['a', 'b']"),
)


def _one_of(expected: str) -> str:
    """Return the expected values of a setting as words: ``one of …`` if there are several."""
    return expected if "," not in expected and " or " not in expected else f"one of {expected}"


def _perhaps(given: object, expected: str) -> str:
    """Return the suggestion ``; did you mean …?`` for a misspelt value of a setting; empty if none is near."""
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = nearest(given, [word.lower() for word in words]) if isinstance(given, str) else ""
    meant = next((word for word in words if word.lower() == near), "")
    return f"; did you mean '{meant}'?" if meant else ""
