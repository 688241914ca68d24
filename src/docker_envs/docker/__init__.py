"""Names of earlier releases, for images and for Docker."""
