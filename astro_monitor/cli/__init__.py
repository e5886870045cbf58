"""The command line: ``astro-monitor --help``.

Exit codes: 0 done · 1 something is wrong (``doctor`` found a fault, or an error of the program) · 2 a setting,
folder, file or argument is wrong · 3 a model is missing or altered · 4 the night log cannot be opened · 5 a port or
key is wrong · 130 ended by a second Ctrl-C. Nothing has been started when the code is 2 to 5.
"""

from .app import main

__all__ = ["main"]
