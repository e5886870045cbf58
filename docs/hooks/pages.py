"""What MkDocs does not do by itself for this site.

The pages are written so that their links work in a checkout, also those that leave ``docs/``. Before the site is
built, the pages of the repository outside ``docs/`` are added to it, the README as its home page, together with every
other file that a page links to; and the links are changed to where these files are in the site. So one text serves
both, and ``mkdocs build --strict`` checks every link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parent.parent.parent

HOME = {"README.md": "index.md"}
"""The page with another place in the site than in the repository."""

OUTSIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "changes", "benchmarks", "training", "plugins", "packaging")
"""Pages, and folders whose README files are pages of the site."""

SCHEMAS = "reference/schemas"
"""Folder of the JSON schemas; a page that lists them is made for it."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)(#[^)\s]*)?(?=\))")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside ``docs/`` and the files that pages link to."""
    for outside in _pages_outside():
        files.append(_added(config, outside))
    schemas = sorted(Path(config.docs_dir, SCHEMAS).glob("*.json"))
    lines = [f"- [{schema.name}]({schema.name})" for schema in schemas]
    text = (
        "# JSON schemas\n\nOne schema for each kind of document, in JSON Schema 2020-12.\n\n" + "\n".join(lines) + "\n"
    )
    files.append(File.generated(config, f"{SCHEMAS}/index.md", content=text))
    for page in list(files.documentation_pages()):
        for target in _targets(page.content_string, _in_repository(page.src_uri)):
            if _in_site(target) not in files.src_uris and (REPOSITORY / target).is_file():
                files.append(_added(config, target))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Change links between files of the repository to links between pages of the site."""
    here = _in_repository(page.file.src_uri)
    folder = posixpath.dirname(page.file.src_uri)

    def changed(link: re.Match[str]) -> str:
        target = _in_site(posixpath.normpath(posixpath.join(posixpath.dirname(here), link[1])))
        if target == SCHEMAS:
            target = f"{SCHEMAS}/index.md"
        return posixpath.relpath(target, folder or ".") + (link[2] or "")

    return "".join(_LINK.sub(changed, part) if outside else part for part, outside in _parts(markdown))


def _pages_outside() -> Iterator[str]:
    yield from HOME
    for name in OUTSIDE:
        path = REPOSITORY / name
        if path.is_file():
            yield name
        for page in sorted(path.rglob("README.md")):
            yield page.relative_to(REPOSITORY).as_posix()


def _added(config: MkDocsConfig, target: str) -> File:
    return File.generated(config, _in_site(target), abs_src_path=str(REPOSITORY / target))


def _in_site(target: str) -> str:
    """Return where a file of the repository is in the site."""
    return HOME.get(target, target.removeprefix("docs/"))


def _in_repository(src_uri: str) -> str:
    """Return where a page of the site is in the repository."""
    for target, place in HOME.items():
        if place == src_uri:
            return target
    return src_uri if (REPOSITORY / src_uri).is_file() else f"docs/{src_uri}"


def _targets(markdown: str, here: str) -> Iterable[str]:
    for part, outside in _parts(markdown):
        if outside:
            for link in _LINK.finditer(part):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(here), link[1]))


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """Split a page into code and what is outside of code."""
    for number, part in enumerate(_CODE.split(markdown)):
        yield part, number % 2 == 0
