"""What is built: one target an image, found in folders, by patterns, and for each combination of a matrix."""
