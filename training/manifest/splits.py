"""Real frames share rigs, nights and targets in every combination: what hangs together stays together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SHARES: tuple[tuple[str, float], ...] = (("test", 0.15), ("validation", 0.15))


def together(keys: Sequence[Sequence[str]]) -> list[str]:
    """Give each frame the name of its group: frames that share a key, directly or through others, share the group.

    Parameters:
        keys: for each frame its rig, night and target, without those that are unknown.

    Returns:
        the least key of the group; for a frame without keys, an empty name.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for of_frame in keys:
        for key in of_frame[1:]:
            low, high = sorted((root(of_frame[0]), root(key)))
            parent[high] = low
    return [root(of_frame[0]) if of_frame else "" for of_frame in keys]


def split_of_group(name: str) -> str:
    """Give the split of a group by a hash of its name: ``train``, ``validation`` or ``test``."""
    place = int.from_bytes(hashlib.sha256(f"group {name}".encode()).digest()[:4]) / 2**32
    for split, share in SHARES:
        if place < share:
            return split
        place -= share
    return "train"
