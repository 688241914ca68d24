"""Names of earlier releases, for registries."""
