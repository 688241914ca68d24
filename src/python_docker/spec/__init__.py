"""Value types and documents of the image and distribution specifications."""
