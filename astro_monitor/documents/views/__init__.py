"""Frozen, typed views of the bodies of documents, for readers.

Generated from the JSON Schemas. To write them again:
python -m astro_monitor.documents.generate astro_monitor/documents/views
"""

from __future__ import annotations

from .alert import (
    AlertView,
)
from .context import (
    ContextObservedView,
    ObservedValueView,
    PluginDisabledView,
)
from .frame import (
    BaselineView,
    FieldGridView,
    FrameFailedView,
    FrameJudgedView,
    FrameRevisedView,
    FrameSkippedView,
    MetaView,
    ReasonView,
    StreakView,
)
from .session import (
    ListWrittenView,
    MetricDescriptionView,
    MetricsDescribedView,
    ModelInfoView,
    SessionHeartbeatView,
    SessionStartedView,
    SessionStoppedView,
)

__all__ = [
    "VIEWS",
    "AlertView",
    "BaselineView",
    "ContextObservedView",
    "FieldGridView",
    "FrameFailedView",
    "FrameJudgedView",
    "FrameRevisedView",
    "FrameSkippedView",
    "ListWrittenView",
    "MetaView",
    "MetricDescriptionView",
    "MetricsDescribedView",
    "ModelInfoView",
    "ObservedValueView",
    "PluginDisabledView",
    "ReasonView",
    "SessionHeartbeatView",
    "SessionStartedView",
    "SessionStoppedView",
    "StreakView",
    "View",
]

View = (
    SessionStartedView
    | MetricsDescribedView
    | FrameJudgedView
    | FrameSkippedView
    | FrameFailedView
    | FrameRevisedView
    | AlertView
    | ListWrittenView
    | ContextObservedView
    | PluginDisabledView
    | SessionHeartbeatView
    | SessionStoppedView
)
"""A view of any body."""

VIEWS: dict[str, type[View]] = {
    "session.started": SessionStartedView,
    "metrics.described": MetricsDescribedView,
    "frame.judged": FrameJudgedView,
    "frame.skipped": FrameSkippedView,
    "frame.failed": FrameFailedView,
    "frame.revised": FrameRevisedView,
    "alert.opened": AlertView,
    "alert.updated": AlertView,
    "alert.closed": AlertView,
    "list.written": ListWrittenView,
    "context.observed": ContextObservedView,
    "plugin.disabled": PluginDisabledView,
    "session.heartbeat": SessionHeartbeatView,
    "session.stopped": SessionStoppedView,
}
"""The view of each kind."""
