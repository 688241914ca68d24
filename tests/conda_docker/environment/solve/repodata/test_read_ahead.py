"""Indexes of channels are read while something else is waited for, and once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.solve.rattler import solve
from conda_docker.environment.solve.repodata.read_ahead import ReadAhead
from conda_docker.environment.solve.request import SolveRequest
from conda_docker.environment.virtual_packages import virtual_packages
from conda_docker.errors import ChannelError, InvalidEnvironment, InvalidSpec, SolverFailed
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer

Serve = Callable[[Path], ChannelServer]


@pytest.fixture
def server(home: Path, synthetic_channel: SyntheticChannel, serve: Serve) -> ChannelServer:
    synthetic_channel.add(SyntheticPackage(name="a", depends=("b", "__glibc >=2.30")), SyntheticPackage(name="b"))
    return serve(synthetic_channel.folder)


def request(*specs: str, channel: str, glibc: str | None = None) -> SolveRequest:
    assumed = () if glibc is None else virtual_packages("linux-64", glibc=glibc)
    return SolveRequest(
        specs=specs, subdir="linux-64", virtual_packages=assumed, channels=(channel,), override_channels=True
    )


def test_indexes_are_read_before_anything_is_known_of_the_system(server: ChannelServer) -> None:
    ahead = ReadAhead(request("a", channel=server.url))
    server.wait_for("repodata.json")
    environment = solve(request("a", channel=server.url, glibc="2.36"), ahead=ahead)
    assert {package.name for package in environment.packages} == {"a", "b"}
    asked = [path for method, path in server.requests if method == "GET"]
    assert len(asked) == len(set(asked)), "each once"


def test_what_it_gives_is_what_solving_alone_gives(server: ChannelServer) -> None:
    question = request("a", channel=server.url, glibc="2.36")
    assert solve(question, ahead=ReadAhead(request("a", channel=server.url))) == solve(question)


@pytest.mark.parametrize(
    ("spec", "channel", "error"), [("a >>> 1", None, InvalidSpec), ("a", "http://127.0.0.1:1", ChannelError)]
)
def test_errors_are_those_of_solving(
    spec: str, channel: str | None, error: type[Exception], server: ChannelServer
) -> None:
    ahead = ReadAhead(request(spec, channel=channel or server.url))
    with pytest.raises(error):
        solve(request(spec, channel=channel or server.url, glibc="2.36"), ahead=ahead)


@pytest.mark.parametrize("path", ["noarch/repodata.json", "linux-64/repodata.json"])
def test_what_fails_for_both_is_explained(path: str, server: ChannelServer) -> None:
    # Rattler asks once for both, and tells only the first of them why it failed.
    released = Event()
    server.answers[path] = Answer(403)
    server.held[path] = released
    ahead = ReadAhead(request("a", channel=server.url))
    server.wait_for(path)
    Timer(0.2, released.set).start()
    with pytest.raises(ChannelError, match=r"a channel refuses access: .*403"):
        solve(request("a", channel=server.url, glibc="2.36"), ahead=ahead)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("linux-64/repodata_shards.msgpack.zst", Answer(403)),
        ("noarch/repodata.json", Answer(200, b'{"packages": {"c-1.0-0.tar.bz2": 5}}')),
    ],
    ids=["no shards", "broken record"],
)
def test_what_can_be_done_without_fails_for_both(path: str, answer: Answer, server: ChannelServer) -> None:
    released = Event()
    server.answers[path] = answer
    server.held[path] = released
    ahead = ReadAhead(request("a", channel=server.url))
    server.wait_for(path)
    Timer(0.2, released.set).start()
    environment = solve(request("a", channel=server.url, glibc="2.36"), ahead=ahead)
    assert {package.name for package in environment.packages} == {"a", "b"}


def test_certificates_of_conda_are_not_set_for_this_process(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    (tmp_path / "own.pem").touch()
    configuration = CondaConfiguration(ssl_verify=str(tmp_path / "own.pem"))
    refused = pytest.raises(InvalidEnvironment, match=r"SSL_CERT_FILE names .*own\.pem")
    with ReadAhead(request("a", channel=server.url), configuration) as ahead, refused:
        solve(request("a", channel=server.url, glibc="2.36"), ahead=ahead)
    assert "SSL_CERT_FILE" not in os.environ


def test_a_process_that_dies_while_it_reads_is_an_error(server: ChannelServer) -> None:
    server.held["repodata.json"] = released = Event()
    with ReadAhead(request("a", channel=server.url)) as ahead:
        server.wait_for("repodata.json")
        assert ahead._process is not None
        os.kill(ahead._process.pid, signal.SIGKILL)
        with pytest.raises(SolverFailed, match=r"ended without an answer \(exit code -9\)"):
            solve(request("a", channel=server.url, glibc="2.36"), ahead=ahead)
    released.set()


def test_nothing_is_read_any_more_when_it_is_left(server: ChannelServer) -> None:
    released = Event()
    server.held["repodata.json"] = released
    with ReadAhead(request("a", channel=server.url)) as ahead:
        server.wait_for("repodata.json")
        assert ahead.is_reading
    assert not ahead.is_reading
    released.set()
