"""What CONTRIBUTING names is there."""

from __future__ import annotations

import re


def test_every_file_that_is_named_exists(repository) -> None:
    text = (repository / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:astro_monitor|tests|docs|packaging|plugins|changes)/[^`\s]*)`", text))
    patterns = {name for name in named if re.search(r"[A-Z]{2}|NNNN|\+", name.replace("README", ""))}
    assert len(named - patterns) > 10
    assert not [name for name in sorted(named - patterns) if not (repository / name).exists()]


def test_every_recipe_that_is_named_exists(repository) -> None:
    text = (repository / "CONTRIBUTING.md").read_text("utf-8")
    recipes = set(re.findall(r"^([a-z]+)[^\n:]*:", (repository / "justfile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`just ([a-z]+)", text))
    assert {"setup", "test", "lint", "types", "docs", "bench", "release"} <= named
    assert named <= recipes
