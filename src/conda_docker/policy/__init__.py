"""Policy: which packages may be in an image at all, and what is wrong with those that may not."""
