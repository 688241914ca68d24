"""Lock files: what an image was resolved to, for several platforms, to be built again to the byte."""
