"""rattler's errors become messages for the person who asked for packages."""

from __future__ import annotations

import pytest

from conda_docker.environment.solve.errors import explain, is_damage
from conda_docker.errors import CacheError, ChannelError, InvalidEnvironment, Unsolvable
from python_docker.errors import CredentialsError, Error

CHANNELS = ["https://me:secret@host/forge/"]


def raised(kind: str, text: str) -> Exception:
    """Return an error of a kind that rattler has, which is known by its name."""
    error: Exception = type(kind, (Exception,), {})(text)
    return error


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("SolverError", Unsolvable),
        ("InvalidVersionError", InvalidEnvironment),
        ("AuthenticationStorageError", CredentialsError),
        ("CacheDirError", CacheError),
        ("GatewayError", ChannelError),
    ],
)
def test_each_kind_has_its_error(kind: str, expected: type[Error]) -> None:
    assert type(explain(raised(kind, "x"), CHANNELS, "linux-64")) is expected


@pytest.mark.parametrize(
    ("moment", "named"),
    [("2020-01-02 00:00:00", "newer than 2020-01-01"), ("2020-01-02 12:30:00", "newer than 2020-01-02 12:30:00 UTC")],
)
def test_the_day_that_was_given_is_named(moment: str, named: str) -> None:
    text = f"a 1.0 is excluded because the package is uploaded after the cutoff date of {moment}"
    words = str(explain(raised("SolverError", text), CHANNELS, "linux-64"))
    assert f"a 1.0 is excluded by exclude-newer: it is {named}\n" in words


def test_what_cannot_be_solved() -> None:
    text = "Cannot solve the request because of: a needs __glibc >=2.40, which is not there"
    words = str(explain(raised("SolverError", text), CHANNELS, "linux-64"))
    assert words.splitlines() == [
        "no packages for linux-64 satisfy the request: a needs __glibc >=2.40, which is not there",
        "channels searched: https://host/forge/",
        "what the system offers can be set, such as with --virtual-package __glibc=VERSION",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("could not find subdir 'noarch' in channel 'https://host/x'", "check its name or URL"),
        ("could not find subdir 'noarch' in channel 'file:///x'", "the folder must hold noarch/repodata.json"),
        ("no usable repodata cache", "the index of a channel is not on this machine; run once without --offline"),
        ("HTTP status client error (401 Unauthorized)", "log in with `pixi auth login HOST`"),
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        (
            "error sending request for url (https://host/forge/linux-64/repodata.json)",
            "the channel at https://host/forge",
        ),
        ("expected value at line 1", "the index of a channel is damaged"),
        ("something else", "a channel cannot be read: something else"),
        ("failed: No space left on device", "RATTLER_CACHE_DIR chooses another folder"),
    ],
)
def test_what_is_wrong_with_a_channel(text: str, words: str) -> None:
    assert words in str(explain(raised("FetchRepoDataError", text), CHANNELS, "linux-64"))


def test_credentials_are_not_shown() -> None:
    text = "error sending request for url (https://me:secret@host/forge/linux-64/repodata.json)"
    assert "secret" not in str(explain(raised("GatewayError", text), CHANNELS, "linux-64"))


@pytest.mark.parametrize(
    ("kind", "text", "damage"),
    [
        ("FetchRepoDataError", "failed to parse repodata", True),
        ("AuthenticationStorageError", "failed to parse", False),
        ("GatewayError", "connection refused", False),
    ],
)
def test_damage(kind: str, text: str, damage: bool) -> None:
    assert is_damage(raised(kind, text)) == damage
