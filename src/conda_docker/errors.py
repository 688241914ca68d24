"""Errors of environments, packages and builds; all of them are `python_docker.errors.Error`."""

from __future__ import annotations

from python_docker.errors import ContentMismatch, Error, NotFound


class InvalidPackage(Error):
    """A conda package that is damaged, hostile or not one at all."""


class PlaceholderTooLong(InvalidPackage):
    """A prefix that is longer than the placeholder in a binary file of a package."""


class BuildFailed(Error):
    """A wheel that could not be built from source."""


class SandboxUnavailable(Error):
    """No sandbox on this machine for a program that a package brings; the message says why."""


class ScriptFailed(Error):
    """A script of a package cannot be run, or failed."""


class InterpreterNotFound(Error):
    """No Python of the version that modules are to be byte-compiled for; the message says why."""


class CompilerFailed(Error):
    """A Python that was to byte-compile modules and could not be run to the end."""


class OutOfReach(Error):
    """A layer of a repository that is not asked any more, because it could not be read before; which was said."""


class InvalidEnvironment(Error, ValueError):
    """An environment file, lock file or prefix that cannot be read."""


class InvalidTargets(Error, ValueError):
    """Images that cannot be built together, or not where it was asked."""


class EnvironmentNotFound(InvalidEnvironment, NotFound):
    """An environment, or a file of one, that is not there."""


class InvalidSpec(InvalidEnvironment):
    """A match spec that cannot be understood.

    `spec` is its text, as it was written, and `place` the file with it, empty where it is not from one.
    """

    def __init__(self, message: str, spec: str, place: str = "") -> None:
        super().__init__(message)
        self.spec = spec
        self.place = place


class MissingOption(Error, ValueError):
    """An option without the one that it says something of.

    `option` and `needed` are fields of `BuildOptions`; `relation` says what they have to do with each other.
    """

    def __init__(self, option: str, needed: str, relation: str) -> None:
        super().__init__(f"{option} needs {needed}, {relation}")
        self.option = option
        self.needed = needed
        self.relation = relation


class UnsupportedInput(Error):
    """Something an input asks for that cannot be done yet; it is refused by name, never dropped."""


class Unsolvable(Error):
    """Specs that cannot be satisfied together; the message is the solver's explanation."""


class TookTooLong(Unsolvable):
    """Packages that fit could not be found in the time that was allowed; `Request.solve_seconds` limits it."""


class SolverFailed(Error):
    """Another solver (`--solver`, `--conda-exe`) that is not there or broke down."""


class SolverNotFound(SolverFailed, NotFound):
    """Another solver that is not there."""


class ChannelError(Error):
    """A channel that is not there or cannot be read."""


class DownloadError(Error):
    """A package that could not be downloaded, or is not what its record says."""


class WrongPackage(DownloadError, ContentMismatch):
    """A package or wheel that is there, and is not what its record says: another size or hash."""


class InvalidPolicy(Error, ValueError):
    """Rules for packages that cannot be read, or contradict each other."""


class PolicyNotFound(InvalidPolicy, NotFound):
    """A file of rules, or a source of advisories, that is not there."""


class PolicyViolated(Error):
    """Packages that break the user's rules; the message names each with the rule."""


class MissingExtra(Error):
    """Libraries of an extra of this package that are needed and not installed; the message says which extra."""


class CacheError(Error):
    """A cache folder that cannot be written to, or is full."""
