"""Ways out of the program: each takes documents that are safe in the night log and brings them somewhere.

The bus takes them at once, through the publisher's own queue; every other sink runs apart.
"""

from .apart import Apart
from .fanout import Fanout
from .list_rows import listed_frames, not_lights
from .lists import ListSink
from .registered import registered_sinks
from .sink import Sink
from .siril import siril_version

__all__ = ["Apart", "Fanout", "ListSink", "Sink", "listed_frames", "not_lights", "registered_sinks", "siril_version"]
