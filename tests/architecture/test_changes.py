"""Each fragment of the change log has a kind and is part of the next change log."""

from __future__ import annotations

import subprocess
import sys
import tomllib


def test_the_fragments_render(repository) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9", "--date", "2030-01-01"],
        cwd=repository, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    fragments = [path for path in (repository / "changes").iterdir() if path.name != "README.md"]
    assert all(path.name.startswith("+") for path in fragments)
    assert "## 9.9 (2030-01-01)" in done.stdout
    assert sum(line.startswith("- ") for line in done.stdout.splitlines()) == len(fragments)
    text = "".join(done.stdout.split())
    for path in fragments:
        assert "".join(path.read_text("utf-8").split()) in text, path.name


def test_every_kind_is_explained(repository) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
    explained = (repository / "changes" / "README.md").read_text("utf-8")
    assert all(f"| `{kind['directory']}` |" in explained for kind in settings["type"])


def test_the_change_log_takes_the_fragments(repository) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
    assert settings["start_string"] in (repository / settings["filename"]).read_text("utf-8")
