"""What is kept of each frame next to the night log: its look and its preview, bounded in size.

Everything here can be lost without harm to the night: no error of this room reaches the caller who keeps a file.
"""

from .folder import FrameFolder
from .kinds import LOOKS, PREVIEWS, Kind, file_name, is_frame_id
from .store import FrameStore

__all__ = ["LOOKS", "PREVIEWS", "FrameFolder", "FrameStore", "Kind", "file_name", "is_frame_id"]
