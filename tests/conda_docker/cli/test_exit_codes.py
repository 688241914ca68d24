"""What a script can tell from how the program ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cli.exit_codes import ExitCode, exit_code_of
from conda_docker.errors import (
    DownloadError,
    EnvironmentNotFound,
    InvalidPackage,
    InvalidPolicy,
    InvalidSpec,
    PolicyNotFound,
    PolicyViolated,
    SolverFailed,
    SolverNotFound,
    Unsolvable,
    WrongPackage,
)
from python_docker.errors import (
    AccessDenied,
    ConnectionFailed,
    ContentMismatch,
    CredentialsError,
    Error,
    InvalidArchive,
    InvalidKey,
    InvalidReference,
    InvalidSignature,
    InvalidVariable,
    NotFound,
    NotFoundInRegistry,
    NotSigned,
    TooManyRequests,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Error("a reason of its own"), ExitCode.FAILED),
        (Unsolvable("a needs b"), ExitCode.UNSOLVABLE),
        (NotFound("no such file"), ExitCode.NOT_FOUND),
        (EnvironmentNotFound("no such folder"), ExitCode.NOT_FOUND),
        (NotFoundInRegistry("no such tag"), ExitCode.NOT_FOUND),
        (AccessDenied("log in"), ExitCode.ACCESS_DENIED),
        (CredentialsError("broken file"), ExitCode.ACCESS_DENIED),
        (ConnectionFailed("refused"), ExitCode.NETWORK),
        (TooManyRequests("later"), ExitCode.NETWORK),
        (DownloadError("cut"), ExitCode.NETWORK),
        (WrongPackage("another hash"), ExitCode.INVALID_INPUT),
        (ContentMismatch("another digest"), ExitCode.INVALID_INPUT),
        (InvalidPackage("not a zip"), ExitCode.INVALID_INPUT),
        (InvalidSpec("==", "no version"), ExitCode.USAGE),
        (InvalidSpec("==", "no version", "environment.yml, line 3"), ExitCode.INVALID_INPUT),
        (InvalidReference("not a tag"), ExitCode.USAGE),
        (InvalidArchive("cannot be read"), ExitCode.INVALID_INPUT),
        (InvalidVariable("SOURCE_DATE_EPOCH"), ExitCode.USAGE),
        (InvalidPolicy("an unknown key"), ExitCode.INVALID_INPUT),
        (PolicyViolated("a license"), ExitCode.FORBIDDEN),
        (PolicyNotFound("no such file"), ExitCode.NOT_FOUND),
        (SolverNotFound("no such program"), ExitCode.NOT_FOUND),
        (SolverFailed("it crashed"), ExitCode.FAILED),
        (InvalidKey("a public key"), ExitCode.INVALID_INPUT),
        (NotSigned("no signature"), ExitCode.NOT_SIGNED),
        (InvalidSignature("another key signed it"), ExitCode.WRONG_SIGNATURE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_has_the_code_of_its_kind(error: Exception, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_an_error_that_adds_to_another_has_its_code() -> None:
    outer = Error("cannot get the base")
    outer.__cause__ = NotFound("no such tag")
    assert exit_code_of(outer) is ExitCode.NOT_FOUND


def test_every_code_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
    assert [code for code in ExitCode if f"| {code.value} |" not in page and f" {code.value} " not in page] == []
