"""What builds depend on, examined on this machine."""
