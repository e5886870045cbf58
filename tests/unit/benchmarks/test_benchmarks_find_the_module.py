"""A sample of functions without their paths, and the paths on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.find_the_module import functions, main, sample

CODE = '''
"""A module."""

def open_file(path):
    """Open a file.

    More about it.
    """
    def inner(): ...

def _silent(): ...

class Reader:
    """Reads."""

    def __init__(self): ...

    async def read(self):
        """Read a frame."""
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "program" / "testing").mkdir(parents=True)
    (tmp_path / "program" / "room.py").write_text(CODE, "utf-8")
    (tmp_path / "program" / "testing" / "fake.py").write_text("def fake(): ...\n", "utf-8")
    return tmp_path / "program"


def test_functions_and_methods_of_the_running_program_are_drawn_from(package: Path) -> None:
    found = {function.name: (function.summary, function.path) for function in functions(package)}
    assert found == {
        "open_file": ("Open a file.", "program/room.py:4"),
        "_silent": ("", "program/room.py:11"),
        "Reader.read": ("Read a frame.", "program/room.py:18"),
    }


def test_a_seed_draws_the_same_functions_again(package: Path) -> None:
    assert sample(2, 5, package) == sample(2, 5, package)


def test_paths_are_printed_as_answers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "3", "--seed", "1"]) == 0
    asked = capsys.readouterr().out
    assert main(["--count", "3", "--seed", "1", "--answers"]) == 0
    answered = capsys.readouterr().out
    assert "astro_monitor/" not in asked
    assert answered.count("astro_monitor/") == 3
    assert [line for line in answered.splitlines() if "astro_monitor/" not in line] == asked.splitlines()
