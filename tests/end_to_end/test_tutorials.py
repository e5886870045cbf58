"""The commands of the tutorials do what the pages show."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)


def shown_line(line: str) -> re.Pattern[str]:
    """Make a pattern of a line on the page: numbers may differ, and an ellipsis stands for any text."""
    words = [re.escape(word).replace("…", ".*") for word in line.split()]
    return re.compile(r"\s+".join(re.sub(r"\d+", r"\\d+", word) for word in words))


def test_the_commands_of_the_first_night(repository, tmp_path) -> None:
    text = (repository / "docs" / "tutorials" / "your-first-night.md").read_text("utf-8")
    # Where no width is set, output that goes to a file is not wrapped.
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    output = ""
    commands = 0
    for language, block in BLOCK.findall(text):
        if language == "text":
            missing = [line for line in block.splitlines() if not shown_line(line).search(output)]
            assert not missing, output
            continue
        for command in block.splitlines():
            program, *arguments = shlex.split(command)
            assert program == "astro-monitor"
            done = subprocess.run(
                [sys.executable, "-m", "astro_monitor", *arguments],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=200,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            output = done.stdout + done.stderr
            commands += 1
    assert commands == 6
