"""Name of the star finder and the seeds of all frames it is trained, tuned and scored on: no frame has two roles."""

from __future__ import annotations

NAME = "star-unet"

POOLS = {"validation": (120, 0), "train": (4400, 100_000)}
"""Frames and first seed of each split."""

KINDS_POOLS = {"validation": (80, 560_000), "train": (480, 2_000_000)}
"""Frames and first seed of each split whose candidates the network of kinds learns from."""

TUNE_SEED, TEST_SEED = 500_000, 900_000
"""First seeds of the frames for tuning (validation rigs) and for the scores of the card (test rigs)."""

RIVALS_SEED = 700_000
"""First seed of the frames that all finders are compared on."""
