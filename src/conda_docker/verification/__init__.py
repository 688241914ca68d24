"""Verification: whether an image's layers are what the packages that its history names make."""
