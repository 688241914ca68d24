"""What channels list: read early, without what is broken, and without solving anything."""
