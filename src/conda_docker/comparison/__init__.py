"""What differs between two images, lock files, environment files or environments, whichever each of them is."""
