"""Advisories on Python packages: the sources that know them, each in a module of its own."""
