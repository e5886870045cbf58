"""``python -m training.unet pool|train|tune|evaluate ...``."""

from __future__ import annotations

import sys

from training.unet.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
