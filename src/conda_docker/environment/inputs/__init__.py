"""The kinds of input that describe an environment, one module each."""
