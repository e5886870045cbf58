"""Ways out of the program: each takes documents that are safe in the night log and brings them somewhere.

The bus takes them at once, through the publisher's own queue; every other sink runs in a thread of its own.
"""

from .fanout import SinkFanout
from .list_rows import listed_frames, not_lights
from .lists import ListSink
from .registered import registered_sinks
from .sink import Sink
from .siril import siril_version
from .threaded import ThreadedSink

__all__ = [
    "ListSink",
    "Sink",
    "SinkFanout",
    "ThreadedSink",
    "listed_frames",
    "not_lights",
    "registered_sinks",
    "siril_version",
]
