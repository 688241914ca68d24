"""What a build is asked for, from the values of its options."""
