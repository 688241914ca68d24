"""What an environment's folder on this machine holds beyond its packages, and the layers that carry it."""
