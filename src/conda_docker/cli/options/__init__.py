"""Options and arguments: how they are declared, parsed and checked."""
