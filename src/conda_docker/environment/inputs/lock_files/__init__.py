"""Files that name every package of an environment: explicit lists, conda-lock's and pixi's lock files."""
