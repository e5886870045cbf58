"""One module for each format, with its rows as ``FORMATS``. A new module here is a new format."""
