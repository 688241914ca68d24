"""The base image of a build: opened once, and what must be known of the system in it."""
