"""PGM frames for astro-monitor: a plugin that uses every hook once."""
