"""The commands: one file each, named as typed, with ``_`` for ``-``.

A file has ``command``, the function that Typer calls, whose docstring is the help text, and ``SECTION``, the part of
the help page that lists it. A new file is a new command.
"""
