"""Wheels as the files that installing them would write: read in place, never installed."""
