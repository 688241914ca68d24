"""Authentication at registries: challenges, tokens and credentials."""
