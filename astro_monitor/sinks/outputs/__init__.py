"""Ways out that need documents alone: one module for each, with ``sinks(settings)``, which returns its sinks.

The bus and the stacking lists are not among them: they need the night log, and are made by the daemon itself.
"""
