"""``python -m training.iqa dataset|som|train|export|evaluate|real ...``."""

from __future__ import annotations

import sys

from training.iqa.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
