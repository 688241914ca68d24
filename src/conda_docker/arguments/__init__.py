"""What people write or pass, made into the values it means; see the README."""
