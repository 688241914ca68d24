"""The steps of `make_layers`: packages that arrive are written, and what becomes a layer is kept."""
