"""What containers of an image run with: Env, entrypoint, user, labels."""
