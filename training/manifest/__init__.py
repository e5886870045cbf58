"""What every model is trained, tuned and tested on: each file with its hash, source, licence and split."""

from training.manifest.entries import Entry, read_manifest, write_manifest
from training.manifest.overlap import Overlap, overlaps

__all__ = ["Entry", "Overlap", "overlaps", "read_manifest", "write_manifest"]
