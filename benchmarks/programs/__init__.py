"""What is measured as a process of its own and is not a command of another tool."""
