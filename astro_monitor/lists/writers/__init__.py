"""One module for each kind of list, with its rows as ``WRITERS``. A new module here is a new kind of list."""
