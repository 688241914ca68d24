"""What is measured as a process of its own and is no other tool's command."""
