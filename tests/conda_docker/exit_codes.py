"""The exit codes of a command that was understood and failed."""

from __future__ import annotations

from conda_docker.cli.exit_codes import ExitCode

FAILURES = frozenset(ExitCode) - {ExitCode.USAGE, ExitCode.SIGINT, ExitCode.SIGPIPE}
