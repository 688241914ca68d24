"""Copies of images and of what refers to them, from any medium to any other."""
