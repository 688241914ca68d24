"""A demonstration, and the real packages that tests and benchmarks use, on a machine that reaches no conda channel."""
