"""What ``doctor --running`` says of a daemon at work, by its own heartbeat."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import PublishError
from ..plain import counted
from ..publish import how_it_is
from ..settings import Settings
from .checks import LOW_DISK_BYTES, Finding, Level

LONG_WAIT_S = 60.0
"""A frame that waits longer than this is no longer news."""


def findings_about_the_running(settings: Settings) -> Iterator[Finding]:
    """Ask the daemon at the addresses in the settings, and say how it is."""
    try:
        beat = how_it_is(settings.publish)
    except PublishError as error:
        yield Finding("daemon", "fault", str(error))
        return
    level: Level = "fault" if beat.trouble else "ok"
    yield Finding("daemon", level, beat.trouble or f"It answers; {counted(beat.last_seq, 'document')} so far.")
    sentence = f"{beat.watcher[:1].upper()}{beat.watcher[1:]}."
    yield Finding("watcher", "fault" if sentence == beat.trouble else "ok", sentence)
    late = beat.oldest_waiting_s > LONG_WAIT_S
    verb = "waits" if beat.queue_depth == 1 else "wait"
    oldest = f", the oldest for {beat.oldest_waiting_s:.0f} s" if beat.queue_depth else ""
    waiting = f"{counted(beat.queue_depth, 'frame')} {verb}{oldest}."
    yield Finding("backlog", "warning" if late else "ok", waiting)
    judged = f"{counted(beat.frames_judged, 'frame')} judged since the start, {beat.frames_failed} failed."
    yield Finding("frames", "warning" if beat.frames_failed > beat.frames_judged else "ok", judged)
    low = beat.free_disk_bytes < LOW_DISK_BYTES
    room = f"{beat.free_disk_bytes / 1e9:.1f} GB are free for the night log"
    yield Finding("disk", "warning" if low else "ok", f"{room}; make room." if low else f"{room}.")
