"""astro-monitor's decisions for N.I.N.A.'s Target Scheduler."""
