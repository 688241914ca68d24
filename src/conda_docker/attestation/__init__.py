"""Attestations: what a build says of an image, signed or not, in the forms that others read."""
