"""Can a stranger find a function? Print names of functions of the program and what they say they do, not their paths.

::

    python -m benchmarks.find_the_module --seed 7            # 25 functions; write down the module of each in one guess
    python -m benchmarks.find_the_module --seed 7 --answers  # the same ones with their paths

The code is read as text; nothing is imported. The same seed draws the same functions from the same code.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "astro_monitor"
LEFT_OUT = ("testing",)
"""Rooms that are not part of the running program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function or method.

    Attributes:
        name: with its class, such as ``Reader.read``.
        summary: first line of its docstring; empty when there is none.
        path: of its module, relative to the repository, with the line.
    """

    name: str
    summary: str
    path: str


def functions(package: Path = PACKAGE) -> Iterator[Function]:
    """Yield the functions and methods of a package in the order of their paths.

    Functions inside functions and methods such as ``__init__``, whose names say nothing, are left out.
    """
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        if relative.parts[0] in LEFT_OUT:
            continue
        for owner, node in _definitions(ast.parse(path.read_text("utf-8"))):
            summary = (ast.get_docstring(node) or "").partition("\n")[0]
            name = f"{owner}.{node.name}" if owner else node.name
            yield Function(name=name, summary=summary, path=f"{package.name}/{relative.as_posix()}:{node.lineno}")


def _definitions(module: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in module.body:
        owner, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        for inner in body:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("__"):
                yield owner, inner


def sample(count: int, seed: int, package: Path = PACKAGE) -> list[Function]:
    """Draw functions at random.

    Parameters:
        count: how many.
        seed: of the draw.
        package: folder of the code.
    """
    return random.Random(seed).sample(list(functions(package)), count)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters:
        argv: arguments without the program's name; ``None``: those of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.find_the_module", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=25, help="number of functions")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other functions")
    parser.add_argument("--answers", action="store_true", help="print the paths, too")
    options = parser.parse_args(argv)
    for number, function in enumerate(sample(options.count, options.seed), 1):
        print(f"{number:3}  {function.name}: {function.summary or '(no docstring)'}")
        if options.answers:
            print(f"     {function.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
