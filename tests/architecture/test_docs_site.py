"""The documentation builds without a network: every link leads somewhere, and no page loads from another server."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//"""
    r"""|<link\b[^>]*\brel="(?!canonical)[^>]*\bhref="(?:https?:)?//"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        # Not --quiet: it hides warnings from --strict.
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=repository, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_its_pages(site) -> None:
    for page in ("index.html", "tutorials/your-first-night/index.html", "benchmarks/index.html"):
        assert (site / page).is_file()


def test_no_page_loads_anything_from_another_server(site) -> None:
    pages = [path for ending in ("*.html", "*.css") for path in site.rglob(ending)]
    assert not [str(path.relative_to(site)) for path in pages if LOADED.search(path.read_text("utf-8"))]
