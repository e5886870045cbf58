"""``astro-monitor diff``: a past night judged again, compared with its decisions; limits learned from those by hand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...errors import ConfigError
from ...framestore import FrameStore
from ...memory import Past, past_of
from ...nightlog import BY_RULES, NightLogReader
from ...plain import counted
from ...regrade import JudgedAgain, by_hand, chosen_rows, followed, judge_again, lessons, moves
from ...settings import Settings
from ..nightlogs import night_log_of
from ..options import FILES, ConfigOption, LogOption, StateOption, err, out, settings_of
from ..page import Page, Piece, Row, print_value
from ..show import DECISION_STYLE, FAILED_STYLE
from ..stopping import stop_on_signals

SECTION = FILES


def command(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    night: Annotated[str, typer.Option(help="Date on which the night began, 'last' or 'all'.")] = "last",
    learn: Annotated[bool, typer.Option("--learn", help="Suggest settings that agree with your decisions.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per frame on standard output.")] = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Judge a past night again, with the models and settings of today or of --config, and show what would change.

    Try a new model or limit before you use it. Frames are only read; log and lists stay as they are.
    """
    settings = settings_of(config, state, log_level)
    run_diff(folder, night, settings, stop_on_signals(), as_json=as_json, learn=learn, out=out, err=err)


def run_diff(
    folder: Path, night: str, settings: Settings, stop: threading.Event, *, as_json: bool, learn: bool, out: Console,
    err: Console,
) -> None:  # fmt: skip
    """Judge a night again and print what would be different. Nothing is written.

    Parameters:
        folder: the watched folder.
        night: date on which it began; ``last`` or ``all``.
        settings: what to try.
        stop: ends it early; what was done until then is printed.
        as_json: one line for each frame.
        learn: also suggest settings that agree with the decisions by hand.

    Raises:
        ConfigError: no night log, or no frames of that night.
        ModelError: a model is missing or altered.
    """
    _, path = night_log_of(folder, settings)
    with NightLogReader.read(path) as night_log:
        rows = list(night_log.judged_frames())
        wanted = sorted({row.night for row in rows})[-1:] if night == "last" else [night]
        past = past_of(night_log, sorted({row.night for row in rows}) if night == "all" else wanted)
    nights = sorted({row.night for row in rows})
    if not nights or night not in ("last", "all", *nights):
        raise ConfigError(f"the log of {folder} has no night {night!r}; it has {', '.join(nights) or 'none yet'}")
    one_night = None if night == "all" else wanted[0]
    every, chosen = chosen_rows(rows, one_night, warm_up=past.memory is None)
    by_frame: dict[str, JudgedAgain] = {}
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bars, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("judging again", total=len(every))
        for again in judge_again(every, settings, past, store=FrameStore(path.parent, settings.keep)):
            by_frame[again.row.frame_id] = again
            progress.update(task, completed=len(by_frame))
            if stop.is_set():
                break
    seen = [by_frame[row.frame_id] for row in chosen if row.frame_id in by_frame]
    if as_json:
        for again in seen:
            print_value(_json_row(again))
    else:
        _print_changes(seen, out)
    if learn:
        _print_lessons(seen, settings, past, err if as_json else out)


def _json_row(again: JudgedAgain) -> dict[str, object]:
    """Return the comparison of one frame as the JSON row that ``diff --json`` prints."""
    row, verdict = again.row, again.verdict
    body = row.body
    would_be = None
    if verdict is not None:
        would_be = {
            "decision": verdict.decision,
            "class": verdict.label,
            "cause": verdict.cause,
            "rules_version": verdict.rules_version,
            "why": [reason.sentence for reason in verdict.reasons if reason.decision == verdict.decision],
        }
    return {
        "frame_id": row.frame_id,
        "file": body.relative_path,
        "night": row.night,
        "was": {"decision": row.rules_decision, "class": row.label, "cause": row.cause,
                "rules_version": body.rules_version, "models": list(body.models)},
        "by_hand": None if row.decided_by == BY_RULES else row.decision,
        "now": again.now,
        "changed": again.changed,
        "would_be": would_be,
        "sentence": again.sentence,
    }  # fmt: skip


def _print_changes(seen: list[JudgedAgain], out: Console) -> None:
    """Print the frames whose decision would change, the counts of changes, and the agreement with decisions by hand."""
    page = Page.on(out)
    changed = [again for again in seen if again.changed]
    if changed:
        rows = []
        for again in changed:
            body = again.row.body
            label = f"{again.row.label} → {again.verdict.label}" if again.verdict is not None else ""
            hand = "" if again.row.decided_by == BY_RULES else f"(by hand: {again.row.decision})"
            why = again.verdict.reasons[0].sentence if again.verdict is not None else again.sentence
            tail = [Piece(text, flows=True) for text in (body.relative_path, label, hand, why)]
            rows.append(Row((again.row.rules_decision, again.now), tail, DECISION_STYLE.get(again.now, FAILED_STYLE)))
        page.table(("was", "would be", "file, class, reason"), rows)
    for (was, now), count in sorted(moves(seen).items()):
        page.line(f"{count:5d} {f'{was}, as before' if was == now else f'{was} → {now}'}")
    lost = [again for again in seen if not again.now]
    for again in lost[:5]:
        page.line(f"{again.row.body.relative_path}: not compared, {again.sentence}", style="magenta")
    if len(lost) > 5:
        page.line(f"… and {len(lost) - 5} more were not compared", style="magenta")
    hands = by_hand(seen)
    if hands:
        before = sum(again.row.rules_decision == again.row.decision for again in hands)
        decisions = counted(len(hands), "decision")
        page.line(f"Of {decisions} by hand the rules agreed with {before}, and would agree with {followed(seen)}.")
    if not changed:
        page.line("No decision would change.", style="green")
    page.line("Nothing was changed: the log and the lists are as they were.", style="dim")


def _print_lessons(seen: list[JudgedAgain], settings: Settings, past: Past, out: Console) -> None:
    """Print the settings of the rules that would agree better with decisions by hand than those in force."""
    hands = by_hand(seen)
    learned = lessons(seen, settings, past)
    page, count = Page.on(out), counted(len(hands), "decision")
    if not learned:
        page.line(f"No other setting would agree better with your {count} by hand than those in force.")
        return
    page.line(f"{followed(seen)} of your {count} by hand agree with the settings in force. In the settings file:")
    for lesson in learned[:5]:
        others = ", ".join(other.row.body.relative_path for other in lesson.others[:3])
        more = f" ({others}{', …' if len(lesson.others) > 3 else ''})" if lesson.others else ""
        page.line(
            f"  judge.{lesson.setting} = {lesson.value:g}: {lesson.followed} would agree, "
            f"and {counted(len(lesson.others), 'other frame')} decided otherwise{more}"
        )
    page.line("None is in force: write the one you want into the settings, and look again with 'astro-monitor diff'.")
