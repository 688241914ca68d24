"""Files of this machine: locks, writing files whole, and the home folder."""
