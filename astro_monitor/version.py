"""The version of the program, which the package, the documents and the health pages state."""

__version__ = "0.2.0.dev0"
