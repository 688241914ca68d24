"""Files and streams: sections, locks, and writing a file whole."""
