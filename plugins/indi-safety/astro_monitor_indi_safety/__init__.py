"""Tells INDI's Weather Safety Proxy that the sky is bad while astro-monitor has a warning open."""
