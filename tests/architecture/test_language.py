"""The language of the code: words that prose avoids, and constants that say what they are.

Both checks run over every module of the program.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

AVOIDED = {
    r"\banew\b": "again",
    r"\bnobody\b": "no user, no program",
    r"\b(is|are|was|were|be|been|being) told\b": "receives, is passed",
    r"\bas it goes on\b": "over time",
    r"\bwhat is (usual|normal)\b": "baseline",
    r"(?<![.\"])\bbeside\b": "next to, compared with",
}
"""Patterns that prose avoids, with what to write instead."""

AVOIDED_AT_START = {r"Gives? (?!up\b)": "Return", r"Tells? ": "Return whether", r"Says? ": "Return"}
"""Words that a docstring does not begin with, with what to write instead."""

ROOMS_TO_DO: frozenset[str] = frozenset()
"""Rooms and modules whose prose is still to be rewritten."""

CONSTANTS_TO_DO = ROOMS_TO_DO
"""Rooms and modules with numeric constants that have no description yet."""


def modules(repository: Path, to_do: frozenset[str]) -> Iterator[Path]:
    """Yield the modules of all rooms that are done."""
    package = repository / "astro_monitor"
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in to_do:
            yield path


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each comment and string, docstrings and messages included."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
            yield token.start[0], token.string


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def faults_of_prose(source: str) -> list[str]:
    """Return the avoided words in a module, each with its line."""
    faults = [
        f"line {line}: {match.group(0)!r}, write: {better}"
        for line, text in prose(source)
        for pattern, better in AVOIDED.items()
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]
    faults += [
        f"line {line}: docstring begins with {start.strip()!r}, write: {better}"
        for line, text in docstrings(ast.parse(source))
        for start, better in AVOIDED_AT_START.items()
        if re.match(start, text)
    ]
    return faults


def constants_without_description(source: str) -> list[str]:
    """Return the constants with a number that have neither a docstring nor a comment."""
    tree, lines = ast.parse(source), source.splitlines()
    scopes = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    return [
        f"line {node.lineno}: {name}"
        for body in scopes
        for node, following in zip(body, [*body[1:], None], strict=True)
        if (name := _numeric_constant(node)) and not _is_described(node, following, lines)
    ]


def _numeric_constant(node: ast.stmt) -> str:
    """Return the name of the constant that a statement defines with a number in its value; empty for others."""
    if isinstance(node, ast.Assign):
        name = ast.unparse(node.targets[0])
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        name = ast.unparse(node.target)
    else:
        return ""
    if not re.fullmatch(r"[_A-Z0-9, ()]+", name) or node.value is None:
        return ""
    numbers = (
        part for part in ast.walk(node.value)
        if isinstance(part, ast.Constant) and isinstance(part.value, int | float) and not isinstance(part.value, bool)
    )  # fmt: skip
    return name if any(True for _ in numbers) else ""


def _is_described(node: ast.stmt, following: ast.stmt | None, lines: list[str]) -> bool:
    assert node.end_lineno is not None
    has_docstring = (
        isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        and isinstance(following.value.value, str)
    )
    own_lines = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    has_comment = re.search(r"#(?! (fmt|noqa|type):?)", own_lines) is not None
    return has_docstring or has_comment or (node.lineno > 1 and lines[node.lineno - 2].lstrip().startswith("#"))


def test_prose_avoids_private_words(repository: Path) -> None:
    faults = {
        str(path.relative_to(repository)): found
        for path in modules(repository, ROOMS_TO_DO)
        if (found := faults_of_prose(path.read_text("utf-8")))
    }
    assert not faults


def test_numeric_constants_are_described(repository: Path) -> None:
    faults = {
        str(path.relative_to(repository)): found
        for path in modules(repository, CONSTANTS_TO_DO)
        if (found := constants_without_description(path.read_text("utf-8")))
    }
    assert not faults, "a constant needs a docstring or a comment: what it is, its unit, and its reason"


@pytest.mark.parametrize(
    "source",
    ['"""Gives a number."""', "# measured anew", 'text = f"nobody has {1}"', 'def one():\n    """Give one."""'],
)
def test_avoided_words_are_found(source: str) -> None:
    assert faults_of_prose(source)


@pytest.mark.parametrize("source", ["LIMIT = 3", "A, B = 1.0, 2.0", "class Kind:\n    SIZE_PX: int = 4", "_T = (0.5,)"])
def test_constants_without_description_are_found(source: str) -> None:
    assert constants_without_description(source)


@pytest.mark.parametrize(
    "source", ['LIMIT = 3\n"""Frames."""', "# Frames.\nLIMIT = 3", "LIMIT = 3  # frames", "F = 'a'"]
)
def test_described_constants_pass(source: str) -> None:
    assert not constants_without_description(source)
