"""Files that are written by a command are as the code would write them now."""

from __future__ import annotations

import pytest

from astro_monitor.cli import jsonpage, settingspage
from astro_monitor.publish import schemas
from astro_monitor.settings import Settings, as_toml

GENERATED = {
    "configs/default.toml": (
        lambda: as_toml(Settings(), portable=True),
        "astro-monitor config --action default > configs/default.toml",
    ),
    "docs/reference/settings.md": (
        settingspage.page,
        "python -m astro_monitor.cli.settingspage docs/reference/settings.md",
    ),
    "docs/reference/json-output.md": (
        jsonpage.page,
        "python -m astro_monitor.cli.jsonpage docs/reference/json-output.md",
    ),
    **{
        f"docs/reference/schemas/{name}": (
            lambda text=text: text,
            "python -m astro_monitor.publish.schemas docs/reference/schemas",
        )
        for name, text in schemas.schemas().items()
    },
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_up_to_date(repository, name) -> None:
    make, command = GENERATED[name]
    path = repository / name
    assert path.is_file(), f"{name} is missing; run: {command}"
    assert path.read_text("utf-8") == make(), f"{name} is not up to date; run: {command}"
