"""Where the archive of a package comes from: a folder of this machine, a cache that is there, or its channel."""
