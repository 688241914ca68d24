"""The cache folder: every name in it, notes, and looking after it."""
