"""The documents that leave the program: the wire format. No numpy, no records: any process may read documents.

``base`` has the envelope, ``vocabulary`` the words with a meaning, ``frame``, ``alert``, ``session`` and ``context``
the bodies, ``kinds`` which body each kind has, ``schemas`` their JSON Schemas. Writers are strict (unknown fields are
refused); readers are tolerant. Rules: no NaN or infinity; units in keys; missing is ``null`` with a reason; moments are
UTC text ending in ``Z``.
"""

from .alert import AlertBody
from .base import PROTOCOL, SCHEMA, TOPIC_ROOT, BadDocument, Body, Document, body_json, decode, encode, topic
from .context import ContextObserved, ObservedValue, PluginDisabled
from .frame import (
    BaselineBody,
    FieldGridBody,
    FrameFailed,
    FrameJudged,
    FrameRevised,
    FrameSkipped,
    MetaBody,
    ReasonBody,
    StreakBody,
)
from .kinds import BODIES
from .session import (
    ListWritten,
    MetricDescription,
    MetricsDescribed,
    ModelInfo,
    SessionHeartbeat,
    SessionStarted,
    SessionStopped,
    heartbeat,
)
from .vocabulary import AlertKind, Decision, Role, Subject

__all__ = [
    "BODIES",
    "PROTOCOL",
    "SCHEMA",
    "TOPIC_ROOT",
    "AlertBody",
    "AlertKind",
    "BadDocument",
    "BaselineBody",
    "Body",
    "ContextObserved",
    "Decision",
    "Document",
    "FieldGridBody",
    "FrameFailed",
    "FrameJudged",
    "FrameRevised",
    "FrameSkipped",
    "ListWritten",
    "MetaBody",
    "MetricDescription",
    "MetricsDescribed",
    "ModelInfo",
    "ObservedValue",
    "PluginDisabled",
    "ReasonBody",
    "Role",
    "SessionHeartbeat",
    "SessionStarted",
    "SessionStopped",
    "StreakBody",
    "Subject",
    "body_json",
    "decode",
    "encode",
    "heartbeat",
    "topic",
]
