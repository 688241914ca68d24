"""Files and streams: sections, locks, writing files whole, and the home folder."""
