"""What commands report: the same facts as text for people and as values for programs."""
