"""``python -m astro_monitor`` is ``astro-monitor``."""

from astro_monitor.cli import main

if __name__ == "__main__":
    main()
