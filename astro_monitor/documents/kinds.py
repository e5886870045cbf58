"""Which body each kind of document has."""

from __future__ import annotations

from .alert import AlertBody
from .base import Body
from .context import ContextObserved, PluginDisabled
from .frame import FrameFailed, FrameJudged, FrameRevised, FrameSkipped
from .session import ListWritten, MetricsDescribed, SessionHeartbeat, SessionStarted, SessionStopped

BODIES: dict[str, type[Body]] = {
    "session.started": SessionStarted,
    "metrics.described": MetricsDescribed,
    "frame.judged": FrameJudged,
    "frame.skipped": FrameSkipped,
    "frame.failed": FrameFailed,
    "frame.revised": FrameRevised,
    "alert.opened": AlertBody,
    "alert.updated": AlertBody,
    "alert.closed": AlertBody,
    "list.written": ListWritten,
    "context.observed": ContextObserved,
    "plugin.disabled": PluginDisabled,
    "session.heartbeat": SessionHeartbeat,
    "session.stopped": SessionStopped,
}
"""Body type of each kind."""
