"""Downloading one package: what is tried again, who may have it, and what ends in which error."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import DownloadError
from conda_docker.package.fetch.find import download_path
from python_docker.errors import Error
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.conda_docker.package.fetch.fetching import QUICK, SMALL, Serve, fetch, left_in


def test_a_cut_download_goes_on_where_it_was(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_500_000), Fault(cut=500_000)]
    fetch(large, cache=cache)
    end = large.size - 1 if large.size else ""
    assert server.ranges == [None, f"bytes=1500000-{end}", f"bytes=2000000-{end}"]


def test_a_connection_that_is_reset_is_made_anew(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_500_000, reset=True), Fault(cut=0, reset=True)]
    fetch(large, cache=cache)
    assert len(server.requests) == 3


def test_cuts_with_progress_in_between_are_forgiven(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    options = replace(QUICK, attempts=2)
    server.faults += [Fault(cut=1_300_000), Fault(cut=1_300_000)]
    fetch(large, cache=cache, options=options)


def test_a_download_that_is_always_cut_fails_and_the_next_run_goes_on(
    large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults += [Fault(cut=100_000) for _ in range(4)]
    with pytest.raises(DownloadError, match=r"cannot download http://127.0.0.1:.*the connection to"):
        fetch(large, cache=cache)
    assert left_in(cache) == [f".{large.sha256}-{large.file_name}.partial"]
    before = len(server.requests)
    fetch(large, cache=cache)
    assert len(server.requests) == before + 1
    assert server.ranges[-1] is not None
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


def test_a_server_without_ranges_sends_all_of_it(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_000_000), Fault(ignore_range=True)]
    fetch(large, cache=cache)
    assert len(server.requests) == 2


def test_another_part_than_was_asked_for_is_not_taken(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    wrong = Fault(status=206, body=b"x", headers={"Content-Range": f"bytes 7-7/{large.size}"})
    server.faults += [Fault(cut=1_000_000), wrong]
    fetch(large, cache=cache)
    assert server.ranges[-1] is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_fails_for_a_while_is_asked_again(
    status: int, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults += [Fault(status=status), Fault(status=status)]
    fetch(small, cache=cache)
    assert len(server.requests) == 3


def test_retry_after_is_waited_for(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults.append(Fault(status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    fetch(small, cache=cache)
    assert time.monotonic() - started >= 1  # how long at least, which no slow machine changes


def test_a_longer_retry_after_than_anybody_would_wait_is_a_failure(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults.append(Fault(status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match=r"the server failed \(HTTP 503\)"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1


def test_a_server_that_keeps_failing_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=500)
    with pytest.raises(DownloadError, match="HTTP 500"):
        fetch(small, cache=cache)
    assert len(server.requests) == QUICK.attempts
    assert [name for name in left_in(cache) if not name.startswith(".")] == []


def test_a_server_that_says_nothing_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(held=0)
    options = replace(QUICK, attempts=1, read_timeout=0.1)
    with pytest.raises(DownloadError, match="did not answer in time"):
        fetch(small, cache=cache, options=options)


def test_a_server_that_trickles_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(pause=0.05, piece=1)
    options = replace(QUICK, attempts=1, read_timeout=0.2)
    with pytest.raises(DownloadError, match=r"answers too slowly|did not answer in time"):
        fetch(small, cache=cache, options=options)


def test_a_wrong_sha256_names_package_hashes_and_url(
    synthetic_channel: SyntheticChannel, serve: Serve, cache: Path
) -> None:
    synthetic_channel.add(SMALL)
    server = serve(synthetic_channel.folder)
    server.token = "tk-123"
    url = server.url.replace("://", "://me:hidden@") + "/t/tk-123"
    right = synthetic_channel.record(SMALL)["sha256"]
    record = synthetic_channel.locked(SMALL, url=url, sha256=64 * "0")
    with pytest.raises(DownloadError) as caught:
        fetch(record, cache=cache)
    message = str(caught.value)
    for part in ("small-1.0-0.conda", f"its sha256 is {right}", f"should be {64 * '0'}", f"{server.url}/linux-64/"):
        assert part in message
    assert "tk-123" not in message
    assert "hidden" not in message
    assert left_in(cache) == []


def test_an_endless_answer_is_cut_off(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(body=bytes(10_000_000))
    with pytest.raises(DownloadError, match=f"it has 10000000 bytes instead of {small.size}"):
        fetch(small, cache=cache)


def test_a_short_answer_is_wrong(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(body=b"<html>log in</html>")
    with pytest.raises(DownloadError, match=f"it has 19 bytes instead of {small.size}"):
        fetch(small, cache=cache)


@pytest.mark.parametrize("status", [400, 410, 451])
def test_a_refusal_is_not_repeated(status: int, small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=status)
    with pytest.raises(DownloadError, match=f"the server refuses .HTTP {status}"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1


def test_a_package_that_is_not_there(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    record = replace(small, url=f"{server.url}/linux-64/gone-1.0-0.conda", sha256=64 * "1")
    with pytest.raises(DownloadError, match=r"gone-1.0-0.conda: it is not there"):
        fetch(record, cache=cache)


def test_a_host_that_does_not_listen(small: LockedPackage, cache: Path) -> None:
    record = replace(small, url="http://127.0.0.1:9/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match=r"cannot connect to 127.0.0.1:9: connection refused"):
        fetch(record, cache=cache)


def test_a_scheme_that_nobody_knows(small: LockedPackage, cache: Path) -> None:
    with pytest.raises(DownloadError, match="unknown scheme 'gopher'"):
        fetch(replace(small, url="gopher://host/linux-64/small-1.0-0.conda"), cache=cache)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def elsewhere(tmp_path: Path, serve: Serve) -> FaultyServer:
    """Return another server, to which no credentials may go."""
    (tmp_path / "elsewhere").mkdir()
    return serve(tmp_path / "elsewhere")


def test_user_and_password_in_the_url(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.authorization = basic("me", "p@ss/word")
    fetch(replace(small, url=small.url.replace("://", "://me:p%40ss%2Fword@")), cache=cache)


def test_a_token_in_the_url(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.token = "tk-1"
    fetch(replace(small, url=small.url.replace("/linux-64", "/t/tk-1/linux-64")), cache=cache)


def test_credentials_do_not_follow_a_redirect_to_another_host(
    small: LockedPackage,
    server: FaultyServer,
    elsewhere: FaultyServer,
    cache: Path,
    synthetic_channel: SyntheticChannel,
) -> None:
    (elsewhere.folder / "blob").write_bytes(synthetic_channel.path(SMALL).read_bytes())
    server.faults.append(Fault(status=302, headers={"Location": f"{elsewhere.url}/blob?signature=s"}))
    fetch(replace(small, url=small.url.replace("://", "://me:secret@")), cache=cache)
    assert [request.authorization for request in server.requests] == [basic("me", "secret")]
    assert [request.authorization for request in elsewhere.requests] == [None]


def test_credentials_stay_on_a_redirect_within_the_host(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.authorization = basic("me", "secret")
    server.faults.append(Fault(status=307, headers={"Location": f"/linux-64/{small.file_name}?again"}))
    fetch(replace(small, url=small.url.replace("://", "://me:secret@")), cache=cache)
    assert server.requests[-1].authorization == basic("me", "secret")


@pytest.mark.parametrize("location", ["ftp://host/file", "file:///etc/passwd", "//"])
def test_a_redirect_to_what_is_no_web_address(
    location: str, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(status=302, headers={"Location": location})
    with pytest.raises(DownloadError, match="cannot"):
        fetch(small, cache=cache)


def test_redirects_without_end(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=302, headers={"Location": "/linux-64/again"})
    with pytest.raises(DownloadError, match="redirects without end"):
        fetch(small, cache=cache)


def store_of_rattler(home: Path, content: object) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"BasicHTTP": {"username": "me", "password": "secret"}}, basic("me", "secret")),
        ({"BearerToken": "abc"}, "Bearer abc"),
        ({"OAuth": {"access_token": "abc", "expires_at": None, "client_id": "x", "token_endpoint": "y"}}, "Bearer abc"),
    ],
)
def test_rattlers_store(
    stored: object, wanted: str, small: LockedPackage, server: FaultyServer, cache: Path, home: Path
) -> None:
    store_of_rattler(home, {"127.0.0.1": stored, "other.example.org": {"BearerToken": "wrong"}})
    server.authorization = wanted
    fetch(small, cache=cache)


def test_rattlers_store_of_conda_tokens(small: LockedPackage, server: FaultyServer, cache: Path, home: Path) -> None:
    store_of_rattler(home, {"127.0.0.1": {"CondaToken": "tk-9"}})
    server.token = "tk-9"
    fetch(small, cache=cache)


def test_the_file_that_rattler_is_told_of(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of_rattler(home, {"127.0.0.1": {"BearerToken": "other"}})
    (home / "auth.json").write_text(json.dumps({"127.0.0.1": {"BearerToken": "abc"}}))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(home / "auth.json"))
    server.authorization = "Bearer abc"
    fetch(small, cache=cache)


def test_a_store_that_is_no_json(small: LockedPackage, cache: Path, home: Path) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text('{"127.0.0.1": "secret')
    with pytest.raises(Error, match=r"credentials.json cannot be read: it is not JSON") as caught:
        fetch(small, cache=cache)
    assert "secret" not in str(caught.value)


def test_condas_tokens(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.parse import quote_plus

    monkeypatch.setenv("BINSTAR_CONFIG_DIR", str(home / "binstar"))
    (home / "binstar/data").mkdir(parents=True)
    (home / "binstar/data" / f"{quote_plus(server.url)}.token").write_text("tk-7")
    server.token = "tk-7"
    fetch(small, cache=cache)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"type": "BasicHTTPAuthentication", "user": "me", "password": "c2VjcmV0"}, basic("me", "secret")),
        ({"type": "BearerToken", "token": "abc"}, "Bearer abc"),
    ],
)
def test_mambas_store(
    stored: object, wanted: str, small: LockedPackage, server: FaultyServer, cache: Path, home: Path
) -> None:
    (home / ".mamba/auth").mkdir(parents=True)
    host = server.url.partition("://")[2]
    store = {f"{host}/linux": {"type": "BearerToken", "token": "other"}, f"{host}/linux-64": stored}
    (home / ".mamba/auth/authentication.json").write_text(json.dumps(store))
    server.authorization = wanted
    fetch(small, cache=cache)


def test_netrc(small: LockedPackage, server: FaultyServer, cache: Path, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    server.authorization = basic("me", "secret")
    fetch(small, cache=cache)


def test_a_broken_netrc_does_not_matter(small: LockedPackage, cache: Path, home: Path) -> None:
    (home / ".netrc").write_text("machine\n\nlogin password\n nonsense")
    fetch(small, cache=cache)


def test_what_is_refused_says_how_to_log_in(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.authorization = basic("me", "secret")
    with pytest.raises(DownloadError, match=r"access is denied; log in with .* \(HTTP 401\)"):
        fetch(small, cache=cache)


def test_what_is_refused_to_us_is_tried_by_rattler(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, synthetic_channel: SyntheticChannel
) -> None:
    # A token that has expired as far as we can tell is rattler's to renew; here it finds that it need not.
    expired = {"access_token": "abc", "refresh_token": None, "client_id": "x", "token_endpoint": f"{server.url}/token"}
    store_of_rattler(home, {"127.0.0.1": {"OAuth": {**expired, "expires_at": int(time.time()) + 30}}})
    server.authorization = "Bearer abc"
    fetch(small, cache=cache)
    assert server.requests[0].authorization is None
    assert download_path(small, cache).read_bytes() == synthetic_channel.path(SMALL).read_bytes()


def test_what_only_rattler_can_reach_goes_to_rattler(small: LockedPackage, cache: Path) -> None:
    record = replace(small, url="oci://me:secret@127.0.0.1:9/team/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match=r"cannot download oci://127.0.0.1:9/team/.*: .*manifests") as caught:
        fetch(record, cache=cache)
    assert "secret" not in str(caught.value)
    assert left_in(cache) == []


def test_a_certificate_that_nobody_trusts(
    small: LockedPackage, server: FaultyServer, cache: Path, tls_proxy: Callable[[FaultyServer], str]
) -> None:
    url = tls_proxy(server)
    with pytest.raises(DownloadError, match=r"certificate of localhost:.* cannot be trusted: .*`ssl_verify`") as caught:
        fetch(replace(small, url=small.url.replace(server.url, url)), cache=cache)
    assert "RegistryOptions" not in str(caught.value)


def test_a_certificate_that_the_configuration_trusts(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, tls_proxy: Callable[[FaultyServer], str]
) -> None:
    url = tls_proxy(server)
    (home / ".condarc").write_text(f"ssl_verify: {home}/authority.pem\n")
    fetch(replace(small, url=small.url.replace(server.url, url)), cache=cache, options=None)


@pytest.fixture
def tls_proxy(home: Path) -> Iterator[Callable[[FaultyServer], str]]:
    """Return what puts TLS before a server and gives the new URL; the certificate is `authority.pem` in the home."""
    import ssl

    certificate, key = home / "authority.pem", home / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    running: list[FaultyServer] = []

    def start(behind: FaultyServer) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        running.append(FaultyServer(behind.folder, tls=context))
        return running[-1].url.replace("127.0.0.1", "localhost")

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1e3", "0x10"])
def test_a_length_that_is_no_number_is_refused_at_once(
    length: str, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(headers={"Content-Length": length})
    with pytest.raises(DownloadError, match=r"is not valid HTTP: its Content-Length") as caught:
        fetch(small, cache=cache)
    assert len(server.requests) == 1
    assert "--insecure" not in str(caught.value)


@pytest.mark.parametrize("content_range", [f"bytes 1500000-{'9' * 5000}/{'9' * 5000}", "bytes -1-5/6", "é" * 1000])
def test_a_nonsensical_range_is_not_taken(
    content_range: str, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    wrong = Fault(status=206, headers={"Content-Range": content_range})
    server.faults += [Fault(cut=1_500_000), wrong]
    fetch(large, cache=cache)
    assert server.ranges[-1] is None


def test_a_head_without_end_is_refused(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(headers={f"X-{number}": "x" * 5000 for number in range(80)})
    with pytest.raises(DownloadError, match="head is too long"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1
