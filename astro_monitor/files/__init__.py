"""The only room that touches files of the user, on request: rejected frames moved aside, weighted copies."""

from .manifest import key_of
from .moving import Move, carry_out, plan, undo
from .weighting import copy_weighted

__all__ = ["Move", "carry_out", "copy_weighted", "key_of", "plan", "undo"]
