"""How a registry is reached: its address, the options and credentials of the caller, and certificates."""
