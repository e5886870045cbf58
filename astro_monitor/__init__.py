"""The night watch for telescopes: sees each new frame, finds its stars, grades it, and says what is wrong."""

__version__ = "0.1.0"
