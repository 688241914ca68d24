"""Streams: gzip and zstd, sections, and what is read while it is written."""
