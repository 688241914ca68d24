"""Credentials in channels' URLs: used, and then in no image, report, message, log or cache."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from python_docker.transports import open_image
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.conda_docker.conftest import Run
from tests.conda_docker.exit_codes import FAILURES

USER, PASSWORD, TOKEN = "alice", "pass-W0rd-Zq7", "tk-5ecret-Kx9"
SECRETS = (PASSWORD, TOKEN)
LONG = "/build/" + "placehold_" * 24


@pytest.fixture
def server(synthetic_channel: SyntheticChannel) -> Iterator[ChannelServer]:
    """Return a channel that wants a token in the path, and user and password."""
    tool = File(f"#!{LONG}/bin/sh\n".encode(), mode=0o755, placeholder=LONG)
    synthetic_channel.add(
        SyntheticPackage(name="tool", depends=("data",), files={"bin/tool": tool}),
        SyntheticPackage(name="data", noarch="generic", files={"share/data": b"data"}),
        all_forms=True,
    )
    running = ChannelServer(synthetic_channel.folder, credentials=(USER, PASSWORD), token=TOKEN).start()
    yield running
    running.stop()


@pytest.fixture
def secret_url(server: ChannelServer) -> str:
    """Return the channel's URL with all its secrets."""
    return server.url.replace("http://", f"http://{USER}:{PASSWORD}@") + f"/t/{TOKEN}"


INDEXES = "home/.cache/rattler/cache/repodata/private"
"""Where rattler keeps indexes with the URLs that they came from: for the user alone."""


def secrets_in(folder: Path) -> list[str]:
    """The files below a folder whose names or contents hold a secret, but for rattler's own."""
    return [
        str(path)
        for path in folder.rglob("*")
        if INDEXES not in str(path)
        and any(
            secret in str(path.relative_to(folder)) or (path.is_file() and secret.encode() in path.read_bytes())
            for secret in SECRETS
        )
    ]


def told(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of a program's output that hold a secret."""
    return [line for line in (result.stdout + result.stderr).splitlines() if any(secret in line for secret in SECRETS)]


def build(program: Run, url: str, *args: str, talk: str = "-v", **options: object) -> subprocess.CompletedProcess[str]:
    chosen = ("-b", "scratch", "-c", url, "--override-channels", "--platform", "linux/amd64")
    return program(talk, "build", *chosen, *args, **options)


@pytest.mark.parametrize("talk", ["-v", "--debug"])
def test_an_image_of_a_private_channel(talk: str, program: Run, secret_url: str, tmp_path: Path) -> None:
    outputs = ("-o", "oci:layout", "-o", "plain.tar", "--json", "--compression", "none")
    result = build(program, secret_url, *outputs, "tool", talk=talk)
    assert result.returncode == 0, result.stderr
    json.loads(result.stdout)
    assert told(result) == []
    image = open_image(f"oci:{tmp_path / 'layout'}")
    assert {"opt/conda/bin/tool", "opt/conda/share/data"} <= set(image.list_files())
    # Nothing is compressed, so that every byte of every layer is searched.
    for layer in image.layers:
        assert not any(secret.encode() in layer.content for secret in SECRETS)
    assert secrets_in(tmp_path) == []
    assert (tmp_path / INDEXES).stat().st_mode & 0o777 == 0o700


def test_what_is_asked_of_such_an_image(program: Run, server: ChannelServer, secret_url: str, tmp_path: Path) -> None:
    assert build(program, secret_url, "-o", "demo.tar", "tool").returncode == 0
    for how in (["--packages"], ["--explicit"], ["--json"], ["--config"], ["--raw"], []):
        result = program("inspect", "demo.tar", *how)
        assert result.returncode == 0, result.stderr
        assert told(result) == []
    assert f"{server.url}/linux-64/tool-1.0-0.conda#sha256:" in program("inspect", "demo.tar", "--explicit").stdout


def test_an_explicit_list_and_a_file_with_secrets(program: Run, secret_url: str, tmp_path: Path) -> None:
    (tmp_path / "explicit.txt").write_text(
        f"@EXPLICIT\n{secret_url}/linux-64/tool-1.0-0.conda\n{secret_url}/noarch/data-1.0-0.conda\n"
    )
    (tmp_path / "environment.yml").write_text(f"channels: ['{secret_url}', nodefaults]\ndependencies: [tool]\n")
    for file in ("explicit.txt", "environment.yml"):
        layout = file.partition(".")[0]
        result = program(
            *("--debug", "build", "-b", "scratch", "--platform", "linux/amd64", "-f", file),
            *("-o", f"oci:{layout}", "--compression", "none", "--json"),
        )
        assert result.returncode == 0, result.stderr
        assert told(result) == []
        assert secrets_in(tmp_path / layout) == []
    assert secrets_in(tmp_path / "cache") == []
    assert [path for path in secrets_in(tmp_path) if not path.endswith(("explicit.txt", "environment.yml"))] == []


def test_what_fails(program: Run, server: ChannelServer, secret_url: str, tmp_path: Path) -> None:
    def fails(*args: str, url: str = secret_url) -> None:
        for talk in ("-v", "--debug"):
            result = build(program, url, "-o", "demo.tar", *args, talk=talk)
            assert result.returncode in FAILURES, result.stderr
            assert result.stderr.count("error: ") >= 1
            assert told(result) == []

    fails("nothing-of-that-name")
    fails("tool", url=secret_url + "/missing")
    fails("tool", url=secret_url.replace("alice", "bob"))
    server.answers["tool-1.0-0.conda"] = Answer(403)
    fails("tool")
    server.answers["tool-1.0-0.conda"] = Answer(body=b"not a package")
    fails("tool")
    server.answers["repodata_shards.msgpack.zst"] = Answer(404)
    for name in ("repodata.json", "repodata.json.zst"):
        server.answers[name] = Answer(body=b"<html>")
    fails("tool", url=secret_url + "/.")
    server.stop()
    fails("tool", url=secret_url + "/..")
    server.stop = lambda: None
    assert secrets_in(tmp_path) == []


@pytest.mark.parametrize("spec", ["tool", "nothing-of-the-kind"])
def test_variables_in_the_channels_of_a_file(spec: str, program: Run, server: ChannelServer, tmp_path: Path) -> None:
    place = server.url.removeprefix("http://")
    file = tmp_path / "environment.yml"
    file.write_text(
        f"channels: ['http://$CHANNEL_LOGIN@{place}/t/${{CHANNEL_TOKEN}}', nodefaults]\ndependencies: [{spec}]\n"
    )
    variables = {"CHANNEL_LOGIN": f"{USER}:{PASSWORD}", "CHANNEL_TOKEN": TOKEN}
    options = ("-b", "scratch", "--platform", "linux-64", "-o", "plain.tar", "--compression", "none", "--json")
    result = program("-v", "build", "-f", file, *options, env=variables)
    assert (result.returncode == 0) == (spec == "tool"), result.stderr
    assert told(result) == []
    assert secrets_in(tmp_path) == []
