"""Images on demand: a pull-only registry whose images are made when they are asked for."""
