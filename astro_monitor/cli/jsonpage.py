"""Writes the page of what --json prints: ``python -m astro_monitor.cli.jsonpage docs/reference/json-output.md``."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from ..documents import (
    BODIES,
    BaselineBody,
    Document,
    FieldGridBody,
    MetaBody,
    MetricDescription,
    ModelInfo,
    ObservedValue,
    ReasonBody,
    StreakBody,
)
from ..inference.card import Card

HEAD = """# What `--json` prints

<!-- Generated. To write it again: python -m astro_monitor.cli.jsonpage docs/reference/json-output.md -->

With `--json` a command writes only JSON to standard output; messages for people go to standard error. The text is
UTF-8, one value on each line, written without delay. Numbers are finite; an unknown number is `null`. Terminal control
characters are escaped. Later versions may add fields, but never remove one: ignore fields that you do not know. Exit
codes are those of the command (`astro-monitor --help`).
"""

COMMANDS = {
    "watch": "a document, in the order of `seq`: all kinds below",
    "demo": "as `watch --json`",
    "tail": "a document, each once and in the order of `seq`; with `--history` all of the log first",
    "grade": "a document about a file: `frame.judged`, `frame.skipped` or `frame.failed`, in the order of exposures; "
             "and `frame.revised` after a second look with another decision, at any later line: it replaces the first",
    "diff": "an object for each judged frame of the night, in the order of judging",
    "doctor": "one line: an array with an object for each check",
    "models": "one line: an array with the card of each model",
    "plugins": "one line: an array with an object for each plugin",
}  # fmt: skip
"""What the lines of each command are."""

TAIL = """
A file with the same content as an earlier one gets the same document, with the same `doc_id`, but with its own `file`,
`root` and `relative_path`. [The protocol](protocol.md) describes documents in detail; [`schemas/`](schemas) has a JSON
Schema for each kind.
"""

DIFF = {
    "frame_id": ("text", "as in the frame's document"),
    "file": ("text", "path relative to the watched folder"),
    "night": ("text", "date on which its night began"),
    "was": ("object", "what the rules said last, second looks included: `decision`, `class`, `cause`, `rules_version`, "
            "`models`"),
    "by_hand": ("text or `null`", "the decision of a person, where there is one"),
    "now": ("text", "its outcome today: `keep`, `review`, `reject`, `skipped`, `failed`; empty when not compared"),
    "changed": ("`true`, `false`", "whether `now` differs from the last decision of the rules"),
    "would_be": ("object or `null`", "the verdict: `decision`, `class`, `cause`, `rules_version`, `why` (sentences of "
                 "the rules that led to the decision); `null` when there is none"),
    "sentence": ("text", "why there is none; else empty"),
}  # fmt: skip
"""Fields of a line of ``diff --json``: kind and meaning."""

FINDING = {
    "check": "what was checked",
    "level": "`ok`, `warning` or `fault`",
    "sentence": "what was found, and what to do",
}

MEANINGS = {
    "schema": "name and major version of the format", "kind": "what the body is", "doc_id": "unique text",
    "session_id": "one run of the program", "seq": "number in the night log, 1 more with each document",
    "time": "when the document was made, UTC, ending in `Z`",
    "cause": "`doc_id` of the document that led to this one; or empty", "body": "as below",
    "mode": "what the session does", "software": "`astro-monitor`", "software_version": "its version",
    "watch_root": "the folder", "models": "models in use", "rules_version": "version of the judge's rules",
    "settings_digest": "beginning of the SHA-256 of the settings", "host": "name of the computer",
    "process_id": "of the daemon", "protocol": "version of the documents; missing: `1.0`",
    "metrics": "a row for each measured number",
    "file": "path on the daemon's computer", "root": "the watched folder, or the folder of a file named by hand",
    "relative_path": "path below `root`", "size_bytes": "size of the file",
    "frame_id": "first 16 digits of `sha256`: the same content is the same frame", "sha256": "of the file's bytes",
    "class": "`good`, `bad_tracking`, `very_bad_tracking`, `bad_seeing`, `background_issue` or `unknown`",
    "class_probabilities": "of each class but `unknown`, 0 to 1",
    "fault_scores": "of `tracking`, `seeing` and `background`, 0 to 1, independent",
    "FrameJudged.cause": "most likely cause; `none` for a good frame", "cause_probability": "0 to 1",
    "in_domain": "0 (like nothing in the training data) to 1",
    "flags": "remarks that never reject a frame by themselves",
    "decision": "the decision of the rules", "reasons": "the result of each rule, the worst first",
    "weight": "weight in a stack so far, 0 to 1, 0 unless kept; lists weigh all frames together",
    "weight_if_kept": "the weight it would have if a person kept it",
    "weight_factor": "by which rules of plugins lower the weight", "meta": "header facts",
    "measurements": "a number for each key of `metrics.described`; `null` when it is missing",
    "why_missing": "for each missing measurement one sentence", "streaks": "trails of satellites, planes, meteors",
    "bright_stars_px": "x and y of bright stars, to match frames with", "baseline": "what the frame was compared with",
    "FrameJudged.models": "name, version and hash of each model", "timings_s": "seconds that each stage took",
    "type": "what the file is: `dark`, `flat`, `bias`, `product`, and others", "why": "one sentence",
    "keyword": "header keyword that gave the type; or empty",
    "FrameFailed.frame_id": "as elsewhere; `null` when the bytes could not be read", "stage": "where it failed",
    "FrameFailed.kind": "what failed, one word", "known": "whether the failure was foreseen; else please report it",
    "retryable": "whether the same file may succeed later: it stays due", "sentence": "what happened, and what to do",
    "old_decision": "decision before", "new_decision": "decision from now on",
    "by": "who decided; `rules`: a second look",
    "FrameRevised.class": "the class as it stands now; empty in documents of 1.0",
    "FrameRevised.cause": "its likely cause",
    "FrameRevised.weight": "weight of the frame from now on",
    "FrameRevised.relative_path": "as in its `frame.judged`; empty in documents of 1.0",
    "replaced_by": "`frame_id` of the content that took its place; or empty",
    "AlertBody.rig": "rig of its frames; empty for files that cannot be read",
    "rig": "telescope and camera in lower case", "opened_at": "when the exposure began that opened it, UTC",
    "first_frame": "`frame_id` of the first frame that shows the trouble", "last_frame": "the last one",
    "field_grid": "numbers over the field", "preview": "name of a small picture; or empty", "airmass": "air mass",
    "columns": "cells side by side", "rows": "cells one above the other",
    "FieldGridBody.star_count": "stars in each cell, row by row", "sky_adu": "sky level in each cell",
    "FieldGridBody.fwhm_px": "median FWHM in each cell; `null`: too few stars",
    "elongation": "median ratio of the axes of the stars", "FieldGridBody.angle_deg": "direction of the long axes",
    "subject": "what was observed", "source": "the program or device that observed it",
    "observed_at": "when, UTC", "values": "what was observed", "ContextObserved.by": "key of the client; or empty",
    "ObservedValue.key": "name of the value", "ObservedValue.value": "the value; `null`: not known",
    "ObservedValue.unit": "unit of a number", "failures": "errors that were counted",
    "last_error": "the last of them",
    "alert_id": "one warning from opening to closing", "AlertBody.kind": "which trouble",
    "severity": "how bad", "AlertBody.cause": "likely cause", "evidence": "`frame_id` of the frames that led to it",
    "advice": "what usually helps", "repeat": "it came back within the cooldown: sound no alarm",
    "folder": "where the lists are", "files": "lists, relative to `folder`", "kept": "frames kept",
    "review": "frames to review", "rejected": "frames rejected", "generation": "1 more with each change",
    "skipped": "files that are no light frames", "ListWritten.notes": "what could not be listed, sentences",
    "reason": "why it ended", "frames_judged": "light frames with a verdict", "frames_failed": "files that failed",
    "frames_skipped": "files that are no light frames", "last_seq": "number of the newest document",
    "name": "name", "version": "version", "provider": "what it runs on", "ModelInfo.sha256": "of the model's file",
    "key": "as in `measurements`", "unit": "unit", "better": "which way is better", "meaning": "what it is",
    "rule": "name of the rule", "ReasonBody.decision": "decision of the rule", "metric": "the measured number",
    "value": "its value", "limit": "the limit", "ReasonBody.sentence": "the same in words",
    "x0_px": "one end, sensor pixels", "y0_px": "one end", "x1_px": "other end", "y1_px": "other end",
    "angle_deg": "direction", "length_px": "length", "width_px": "width", "MetaBody.width_px": "width of the image",
    "height_px": "height of the image", "size": "number of frames", "fwhm_px": "usual width of stars",
    "background_adu": "usual sky", "star_count": "usual number of stars", "MetaBody.kind": "type of the frame",
    "frame_type": "the type as the header spells it", "program": "capture program", "date_obs_utc": "exposure began",
    "exposure_s": "exposure", "filter": "filter", "target": "object", "camera": "camera", "telescope": "telescope",
    "gain": "gain", "offset": "offset of the camera", "binning": "binning", "sensor_temp_c": "of the sensor",
    "scale_arcsec_px": "pixel scale", "bayer": "order of the colour filter array", "altitude_deg": "altitude",
    "ra_deg": "right ascension the telescope pointed to", "dec_deg": "declination",
    "east_angle_deg": "direction of east on the sensor, from +x to +y", "pier_side": "side of the pier",
    "focuser_position": "focuser, steps", "sources": "keyword that gave each fact",
    "notes": "values that were ignored",
}  # fmt: skip
"""What each field means; ``Owner.field`` where one name means several things."""

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("A model of `session.started`", ModelInfo), ("A row of `metrics.described`", MetricDescription),
    ("A reason of `frame.judged`", ReasonBody), ("A trail of `frame.judged`", StreakBody),
    ("`baseline` of `frame.judged`", BaselineBody), ("`field_grid` of `frame.judged`", FieldGridBody),
    ("A value of `context.observed`", ObservedValue),
    ("`meta` of `frame.judged` and `frame.skipped`", MetaBody),
)  # fmt: skip


PLUGIN = {
    "name": ("text", "as `plugins.on` names it"),
    "distribution": ("text", "package that brings it"),
    "version": ("text", "of the package"),
    "hooks": ("array: text", "hooks that it has; empty while it is off, as it is not imported then"),
    "state": ("text", "`on`, `off`, `not installed`, or why it cannot be imported"),
}
"""Fields of a plugin of ``plugins --json``: kind and meaning."""


def page() -> str:
    """Return the whole page, Markdown."""
    commands = "".join(f"| `{name} --json` | {meant} |\n" for name, meant in COMMANDS.items())
    parts = [HEAD, f"| command | each line is |\n|---|---|\n{commands}{TAIL}", "## A document\n", _fields(Document)]
    shown: dict[type[BaseModel], list[str]] = {}
    for kind, model in BODIES.items():
        if kind != "session.heartbeat":
            shown.setdefault(model, []).append(kind)
    for body, kinds in shown.items():
        parts += [f"## Body of {', '.join(f'`{kind}`' for kind in kinds)}\n", _fields(body)]
    for title, part in _PARTS:
        parts += [f"### {title}\n", _fields(part)]
    parts += ["## A line of `diff --json`\n", _field_table((name, *meant) for name, meant in DIFF.items())]
    parts += ["## A check of `doctor --json`\n", _field_table((name, "text", meant) for name, meant in FINDING.items())]
    names = ", ".join(f"`{name}`" for name in Card.model_fields)
    parts += [
        "## A card of `models --json`\n",
        f"The content of `NAME.json`, the file next to each model, with these fields: {names}.\n",
        "## A plugin of `plugins --json`\n",
        _field_table((name, *meant) for name, meant in PLUGIN.items()),
    ]
    return "\n".join(parts)


def meaning(owner: type[BaseModel], name: str) -> str:
    """Return what a field means; empty when it is not described."""
    return MEANINGS.get(f"{owner.__name__}.{name}") or MEANINGS.get(name, "")


def _fields(model: type[BaseModel]) -> str:
    """Return the Markdown table of the fields of a model that ``--json`` prints."""
    named = [(field.alias or name, field) for name, field in model.model_fields.items()]
    return _field_table((name, _type_in_words(field.annotation), meaning(model, name)) for name, field in named)


def _field_table(rows: Any) -> str:
    """Return a Markdown table of fields: name, type in words, and meaning."""
    lines = ["| field | value | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {meant} |" for name, kind, meant in rows]
    return "\n".join(lines) + "\n"


def _type_in_words(annotation: Any) -> str:
    """Return the kind of a value in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_in_words(inner[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (Union, types.UnionType):
        return " or ".join("`null`" if member is type(None) else _type_in_words(member) for member in inner)
    if origin is dict:
        return "object" if inner[1] is Any else f"object: {_type_in_words(inner[1])} for each key"
    if origin in (list, tuple):
        return f"array: {_type_in_words(inner[0])}"
    words = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return words.get(annotation, "object")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m astro_monitor.cli.jsonpage FILE")
    Path(sys.argv[1]).write_text(page(), "utf-8", newline="\n")
