"""What the import contracts cannot say: no circles, and exact lists of what plugins and training may use."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

OUR_PACKAGES = ("astro_monitor", "training", "benchmarks")

NAMED_FOR_TYPE_CHECKERS = "astro_monitor.hookspecs"
"""Names the rows of all rooms that plugins can add to, for type checkers alone; those rooms import it."""

OPEN_TO_PLUGINS = {
    "astro_monitor", "astro_monitor.documents", "astro_monitor.errors", "astro_monitor.hookspecs",
    "astro_monitor.publish", "astro_monitor.settings",
    # Rows for the hooks, and what their functions are given; docs/how-to/extend.md names the same modules.
    "astro_monitor.formats", "astro_monitor.formats.contents", "astro_monitor.formats.limits",
    "astro_monitor.fitsheader", "astro_monitor.metrics", "astro_monitor.records", "astro_monitor.judge",
    "astro_monitor.lists", "astro_monitor.sinks",
}  # fmt: skip
"""What a plugin may import: public names, documents, and the rows of the hooks."""

OPEN_TO_TRAINING = {
    "baseline", "detect", "errors", "grade", "inference", "judge", "measure", "metrics", "pipeline", "read", "records",
    "settings", "stages",
}  # fmt: skip
"""Rooms that training may import: what turns a file into numbers and a grade, and the borders of the classes."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OUR_PACKAGES, cache_dir=None)


def test_no_module_imports_itself_by_a_detour(graph: grimp.ImportGraph) -> None:
    """Imports inside functions and for type checkers count: a circle of either kind cannot be understood in parts."""
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    imports[NAMED_FOR_TYPE_CHECKERS] = set()
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(reversed(error.args[1]))}")


def test_training_borrows_what_makes_numbers_of_a_frame(graph: grimp.ImportGraph) -> None:
    borrowed = {
        f"{module} imports {imported}"
        for module in graph.modules
        if module.startswith("training")
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith("astro_monitor.") and imported.split(".")[1] not in OPEN_TO_TRAINING
    }
    assert not borrowed


def test_nothing_of_ours_imports_benchmarks(graph: grimp.ImportGraph) -> None:
    outside = {
        module
        for module in graph.find_downstream_modules("benchmarks", as_package=True)
        if not module.startswith("benchmarks")
    }
    assert not outside


def test_plugins_use_public_names_and_documents_alone(repository: Path) -> None:
    wrong = [
        f"{path.relative_to(repository)} imports {imported}"
        for path in sorted((repository / "plugins").rglob("*.py"))
        if "tests" not in path.parts
        for imported in _imported(path)
        if imported.partition(".")[0] in (*OUR_PACKAGES, "tests") and imported not in OPEN_TO_PLUGINS
    ]
    assert not wrong


def _imported(path: Path) -> Iterator[str]:
    """Yield the modules of our own that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # ``from astro_monitor import session`` imports a module, ``from astro_monitor import grade`` a name.
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (name for name in submodules if _is_module(name)) if _is_module(node.module) else ()
            yield node.module


def _is_module(name: str) -> bool:
    path = Path(__file__).parents[2].joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
