"""Bills of materials: what is in an image, as documents that scanners and policies read."""
