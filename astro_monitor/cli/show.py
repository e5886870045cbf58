"""Documents as lines for people."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from ..messages import Document

DECISION_STYLE = {"keep": "green", "review": "yellow", "reject": "red"}
SEVERITY_STYLE = {"alert.opened": "bold red", "alert.updated": "yellow", "alert.closed": "bold green"}


def line(document: Document) -> Text:
    """Write one document as one line.

    Parameters:
        document: any kind.
    """
    body = document.body
    clock = document.time[11:19]
    match document.kind:
        case "frame.judged":
            return _judged(clock, body)
        case "frame.skipped":
            return Text(f"{clock} skipped {body['relative_path']}: {body['why']}", style="dim")
        case "frame.failed":
            text = Text(f"{clock} failed  {body['relative_path']}: ", style="magenta")
            return text.append(body["sentence"])
        case "frame.revised":
            return Text(
                f"{clock} revised {body['file']}: {body['old_decision']} → {body['new_decision']}, {body['why']}"
            )
        case "alert.opened" | "alert.updated" | "alert.closed":
            style = "dim" if body.get("repeat") else SEVERITY_STYLE[document.kind]
            text = Text(f"{clock} {document.kind[6:].upper()} {body['kind']} alert ", style=style)
            return text.append(f"({body['severity']}): {body['sentence']} {body['advice']}".rstrip(), style="default")
        case "list.written":
            return Text(
                f"{clock} lists   {body['kept']} kept, {body['review']} to review, {body['rejected']} rejected "
                f"→ {body['folder']}",
                style="dim",
            )
        case "session.started":
            models = ", ".join(f"{model['name']} {model['version']}" for model in body["models"])
            return Text(f"{clock} started watching {body['watch_root']} with {models}", style="dim")
        case "session.stopped":
            skipped = f"{body.get('frames_skipped', 0)} skipped"
            counts = f"{body['frames_judged']} judged, {skipped}, {body['frames_failed']} failed"
            return Text(f"{clock} stopped: {counts}. {body['sentence']}", style="dim")
        case _:
            return Text(f"{clock} {document.kind}", style="dim")


def number(value: float | None, form: str) -> str:
    """Write a number, or a dash when it is missing."""
    return "–" if value is None else format(value, form)


def _judged(clock: str, body: dict[str, Any]) -> Text:
    values = body["measurements"]
    if "not_a_light" in body["flags"]:
        return Text(f"{clock} skipped {body['relative_path']}: {body['reasons'][0]['sentence']}", style="dim")
    text = Text(f"{clock} ")
    text.append(f"{body['decision']:7} ", style=DECISION_STYLE[body["decision"]])
    text.append(f"{body['class']:17} ")
    text.append(f"stars {number(values['star_count'], '5.0f')}  FWHM {number(values['fwhm_px'], '5.2f')} px")
    if values["fwhm_arcsec"] is not None:
        text.append(f" {values['fwhm_arcsec']:5.2f}″")
    text.append(f"  ecc {number(values['eccentricity'], '4.2f')}  sky {number(values['background_adu'], '6.0f')}  ")
    text.append(body["relative_path"], style="bold")
    if body["flags"]:
        text.append(f" [{', '.join(body['flags'])}]", style="cyan")
    if body["decision"] != "keep" and body["reasons"]:
        text.append(f"  {body['reasons'][0]['sentence']}", style="dim")
    return text
