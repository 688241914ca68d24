"""Exit codes: what a script can tell from how the program ended. docs/command-line.md explains them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended, where it failed; signals are 128 + N, as shells have them."""

    FAILED = 1
    USAGE = 2
    UNSOLVABLE = 3
    NOT_FOUND = 4
    ACCESS_DENIED = 5
    NETWORK = 6
    INVALID_INPUT = 7
    NOT_SIGNED = 8
    WRONG_SIGNATURE = 9
    FORBIDDEN = 10
    SIGINT = 130
    SIGPIPE = 141


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code for an error; one that only adds to another says what that one does.

    >>> from python_docker.errors import NotFound
    >>> exit_code_of(NotFound("there is no demo.tar"))
    <ExitCode.NOT_FOUND: 4>
    """
    from conda_docker import errors as conda
    from python_docker import errors as docker

    # The first that fits counts: some of these are others' subclasses.
    kinds: tuple[tuple[ExitCode, tuple[type[Exception], ...]], ...] = (
        (ExitCode.USAGE, (conda.InvalidTargets, conda.MissingOption, docker.InvalidVariable, docker.InvalidReference)),
        (ExitCode.FORBIDDEN, (conda.PolicyViolated,)),
        (ExitCode.UNSOLVABLE, (conda.Unsolvable,)),
        (ExitCode.NOT_FOUND, (docker.NotFound, docker.EngineNotFound)),
        (ExitCode.ACCESS_DENIED, (docker.AccessDenied, docker.CredentialsError)),
        (ExitCode.INVALID_INPUT, (docker.ContentMismatch,)),
        (ExitCode.NOT_SIGNED, (docker.NotSigned,)),
        (ExitCode.WRONG_SIGNATURE, (docker.InvalidSignature,)),
        (
            ExitCode.NETWORK,
            (docker.ConnectionFailed, docker.TooManyRequests, conda.ChannelError, conda.DownloadError),
        ),
        (
            ExitCode.INVALID_INPUT,
            (
                *(docker.InvalidDocument, docker.InvalidArchive, docker.InvalidLayer, docker.InvalidKey),
                *(docker.UnsupportedFormat, conda.InvalidPackage, conda.InvalidEnvironment, conda.UnsupportedInput),
                conda.InvalidPolicy,
            ),
        ),
    )
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, conda.InvalidSpec) and not told.place:
            return ExitCode.USAGE  # it is an argument
        for code, classes in kinds:
            if isinstance(told, classes):
                return code
        told = told.__cause__
    return ExitCode.FAILED
