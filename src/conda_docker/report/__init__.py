"""The picture of an image: what is in it and how large that is, as a value and as a page for browsers."""
