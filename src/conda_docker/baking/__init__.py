"""Many images at once: what they have in common is solved for, downloaded, made and sent once."""
