"""The public names: what is promised is there, typed, and costs nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import astro_monitor

HEAVY = ("numpy", "onnxruntime", "zmq", "pydantic", "astropy", "typer", "sqlite3", "logging")


def test_every_public_name_is_there() -> None:
    assert sorted(astro_monitor.__all__) == list(astro_monitor.__all__)
    for name in astro_monitor.__all__:
        assert getattr(astro_monitor, name) is not None
    assert set(astro_monitor.__all__) <= set(dir(astro_monitor))


def test_type_checkers_see_the_same_names(repository) -> None:
    tree = ast.parse((repository / "astro_monitor" / "__init__.py").read_text("utf-8"))
    typed = {
        alias.asname or alias.name: (f"{node.module}", alias.name)
        for branch in tree.body if isinstance(branch, ast.If)
        for node in branch.body if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip
    assert typed == astro_monitor._HOMES
    assert {*typed, "__version__"} == set(astro_monitor.__all__)


def test_no_public_name_hides_a_room(repository) -> None:
    rooms = {path.stem for path in (repository / "astro_monitor").iterdir()}
    assert not rooms & set(astro_monitor.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'grade_planets'"):
        _ = astro_monitor.grade_planets


def test_importing_the_package_loads_nothing_else() -> None:
    code = f"import sys, astro_monitor; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
