"""Writes the page of all settings: ``python -m astro_monitor.cli.settingspage docs/reference/settings.md``."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..settings import PREFIX, Settings, toml_line, variable

UNITS = (
    # How the key ends, and the unit. The first that fits counts.
    ("_arcsec_px", "arcsec/px"), ("_arcsec", "arcsec"), ("_px", "px"), ("_adu", "ADU"), ("_deg", "°"), ("_mb", "MB"),
    ("_s", "s"),
)  # fmt: skip

HEAD = f"""# Settings

<!-- Generated. To write it again: python -m astro_monitor.cli.settingspage docs/reference/settings.md -->

Each setting has a default. Other values come from these places; later ones override earlier ones:

1. the settings file, TOML: the one named with `--config`, else your own, if it is there:

   | system | your own settings file |
   |---|---|
   | Linux | `~/.config/astro-monitor/config.toml` (`$XDG_CONFIG_HOME`, where it is set) |
   | macOS | `~/Library/Application Support/astro-monitor/config.toml` |
   | Windows | `%LOCALAPPDATA%\\astro-monitor\\astro-monitor\\config.toml` |

2. environment variables: `{PREFIX}` and the key in capitals, two underscores for one step down; a list is `a,b`;
3. flags of the command.

A key that does not exist is refused, and the message suggests the nearest one. So is an environment variable that looks
like a setting but is none; any other variable that begins with `{PREFIX}` causes a warning and is not used.

`astro-monitor config` shows the settings in force and where your own file is; `astro-monitor config --write FILE`
writes a file with all defaults to edit. The same file is [`configs/default.toml`](../../configs/default.toml).
"""


def page() -> str:
    """Return the whole page, Markdown."""
    plain = [name for name, field in Settings.model_fields.items() if not _is_section(field)]
    parts = [
        HEAD,
        "## Outside all sections\n",
        _setting_table([((name,), Settings.model_fields[name]) for name in plain]),
    ]
    for name, field in Settings.model_fields.items():
        if _is_section(field):
            section = type(field.default)
            purpose = " ".join((section.__doc__ or "").split())
            parts += [f"## `[{name}]`\n\n{purpose}\n", _setting_table([((name, key), one) for key, one in
                                                               section.model_fields.items()])]  # fmt: skip
    return "\n".join(parts)


def example(field: FieldInfo) -> Any:
    """Return a value that a setting may have: the first of its examples, else a value other than its default.

    Parameters:
        field: description of the setting.
    """
    if field.examples:
        return field.examples[0]
    kind = _plain(field.annotation)
    if get_origin(kind) is tuple:
        words = get_args(get_args(kind)[0])
        return words[:2] if words else ("a", "b")
    if get_origin(kind) is Literal:
        return next(word for word in reversed(get_args(kind)) if word != field.default)
    if kind is bool:
        return not field.default
    if kind in (int, float) and field.default:
        limits: list[Any] = [constraint.le for constraint in field.metadata if isinstance(constraint, Le)]
        fits = all(2 * field.default <= limit for limit in limits)
        return 2 * field.default if fits else kind(field.default / 2)
    return "/data/astro-monitor" if kind is Path else field.default


def _setting_table(rows: list[tuple[tuple[str, ...], FieldInfo]]) -> str:
    """Return the Markdown table of the settings of one section."""
    lines = ["| setting | meaning | value | default | environment variable | example |", "|---|---|---|---|---|---|"]
    for path, field in rows:
        key, meaning = path[-1], (field.description or "").replace("|", "\\|")
        shown = [f"`{key}`", meaning, _values_text(key, field), _default_text(path, field), f"`{variable(path)}`",
                 f"`{toml_line(key, example(field))}`"]  # fmt: skip
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _is_section(field: FieldInfo) -> bool:
    """Return whether a field of the settings is a section, which holds further settings."""
    return isinstance(field.default, BaseModel)


def _plain(annotation: Any) -> Any:
    """Return the type without ``None``: ``float`` for ``float | None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(member for member in get_args(annotation) if member is not type(None))
    return annotation


def _default_text(path: tuple[str, ...], field: FieldInfo) -> str:
    """Return the default of a setting as the settings page shows it."""
    if path == ("state_folder",):
        return (
            "`~/.local/state/astro-monitor` (Linux), `~/Library/Application Support/astro-monitor` (macOS), "
            "`%LOCALAPPDATA%\\astro-monitor\\astro-monitor` (Windows)"
        )
    return "none" if field.default is None else f"`{toml_line('', field.default).removeprefix(' = ')}`"


def _values_text(key: str, field: FieldInfo) -> str:
    """Return what a value may be: its kind, unit and range."""
    kind = _plain(field.annotation)
    if get_origin(kind) is tuple:
        words = get_args(get_args(kind)[0])
        return f"list of {', '.join(f'`{json.dumps(word)}`' for word in words)}" if words else "list of texts"
    if get_origin(kind) is Literal:
        return ", ".join(f"`{json.dumps(word)}`" for word in get_args(kind))
    word = {bool: "`true`, `false`", int: "whole number", float: "number", Path: "path", str: "text"}[kind]
    unit = next((unit for end, unit in UNITS if key.endswith(end)), "") if kind in (int, float) else ""
    return " ".join(filter(None, [f"{word}, {unit}" if unit else word, _limits_text(field)]))


def _limits_text(field: FieldInfo) -> str:
    """Return the numeric limits of a setting in parentheses, such as ``(> 0, ≤ 1)``; empty without any."""
    signs = {Gt: ("gt", ">"), Ge: ("ge", "≥"), Lt: ("lt", "<"), Le: ("le", "≤")}
    bounds = [(constraint, *signs[type(constraint)]) for constraint in field.metadata if type(constraint) in signs]
    limits = [f"{sign} {getattr(constraint, name)}" for constraint, name, sign in bounds]
    return f"({', '.join(limits)})" if limits else ""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m astro_monitor.cli.settingspage FILE")
    Path(sys.argv[1]).write_text(page(), "utf-8", newline="\n")
