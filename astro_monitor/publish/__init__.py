"""The bus: broadcasts each document, answers questions of clients that join late, and has the reference client.

The wire protocol is written down in ``docs/reference/protocol.md``; nothing here is needed to speak it.
"""

from .asking import how_it_is, observe, revise
from .chunks import FrameFiles
from .client import Received, Subscription, tail
from .control import History
from .fetching import FrameClient
from .keys import ClientKeys, client_keys, make_keys
from .publisher import Publisher

__all__ = [
    "ClientKeys",
    "FrameClient",
    "FrameFiles",
    "History",
    "Publisher",
    "Received",
    "Subscription",
    "client_keys",
    "how_it_is",
    "make_keys",
    "observe",
    "revise",
    "tail",
]
