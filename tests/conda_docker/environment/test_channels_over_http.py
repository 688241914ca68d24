"""Channels behind HTTP: with credentials, out of reach, damaged, and from the cache."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.solve.rattler import solve
from conda_docker.errors import CacheError, ChannelError, InvalidEnvironment
from python_docker.errors import CredentialsError
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.conda_docker.environment.solving import solve_request

Serve = Callable[..., ChannelServer]


@pytest.fixture
def folder(synthetic_channel: SyntheticChannel) -> Path:
    """Return the parent folder of a channel named `channel`, with every form of index that real channels have."""
    synthetic_channel.add(SyntheticPackage(name="tool"), all_forms=True)
    return synthetic_channel.folder.parent


def lock(url: str, **options: Any) -> LockedEnvironment:
    configuration = options.pop("configuration", None)
    return solve(solve_request("tool", channels=[url], override_channels=True, **options), configuration)


def test_a_channel(serve: Serve, folder: Path) -> None:
    server = serve(folder)
    [tool] = lock(f"{server.url}/channel").packages
    assert tool.url == f"{server.url}/channel/linux-64/tool-1.0-0.conda"
    assert any(path.endswith("repodata_shards.msgpack.zst") for _, path in server.requests)


@pytest.mark.parametrize("sharded", [True, False])
def test_an_index_that_has_not_changed_is_not_sent_again(serve: Serve, folder: Path, sharded: bool) -> None:
    server = serve(folder, answers={} if sharded else {"shards.msgpack.zst": Answer(404)})
    first = lock(f"{server.url}/channel")
    assert server.unchanged == []
    asked = len(server.requests)
    assert lock(f"{server.url}/channel") == first
    again = {path for method, path in server.requests[asked:] if method == "GET"}
    again -= {path for path in again if not sharded and path.endswith("shards.msgpack.zst")}
    assert again
    assert again <= set(server.unchanged)


def test_user_and_password_in_the_url(serve: Serve, folder: Path) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    found = lock(server.url.replace("://", "://me:s3cret@") + "/channel")
    [tool] = found.packages
    assert "me:s3cret@" in tool.url
    assert "s3cret" not in json.dumps([dict(tool.record), tool.channel, found.channels, found.requested])
    assert tool.channel == f"{server.url}/channel/"


def test_token_in_the_url(serve: Serve, folder: Path) -> None:
    server = serve(folder, token="tk-s3cret")
    found = lock(f"{server.url}/t/tk-s3cret/channel")
    [tool] = found.packages
    assert tool.url == f"{server.url}/t/tk-s3cret/channel/linux-64/tool-1.0-0.conda"
    assert tool.public_url == f"{server.url}/channel/linux-64/tool-1.0-0.conda"
    assert "s3cret" not in json.dumps([dict(tool.record), tool.channel, found.channels])


def test_credentials_that_rattler_stores(
    serve: Serve, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    stored = {"127.0.0.1": {"BasicHTTP": {"username": "me", "password": "s3cret"}}}
    (tmp_path / "auth.json").write_text(json.dumps(stored))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "auth.json"))
    [tool] = lock(f"{server.url}/channel").packages
    assert "s3cret" not in tool.url


@pytest.mark.parametrize(
    "text",
    [
        "machine 127.0.0.1\nlogin me\npassword s3cret\n",
        'machine 127.0.0.1 login "me" password "s3cret"\n',
        "# of the team\nmachine 127.0.0.1 login me password s3cret\n",
        "machine 127.0.0.1 login me password s3\\cret\n",
        "machine conda.example.org login a password b\ndefault login me password s3cret\n",
    ],
)
def test_credentials_in_netrc(serve: Serve, folder: Path, home: Path, text: str) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    (home / ".netrc").write_text(text)
    (home / ".netrc").chmod(0o600)
    found = lock(f"{server.url}/channel")
    assert found.packages[0].public_url == f"{server.url}/channel/linux-64/tool-1.0-0.conda"
    assert "s3cret" not in json.dumps([dict(found.packages[0].record), found.channels])


def test_a_password_that_mamba_stores(serve: Serve, folder: Path, home: Path) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    stored = {"type": "BasicHTTPAuthentication", "user": "me", "password": base64.b64encode(b"s3cret").decode()}
    (home / ".mamba/auth").mkdir(parents=True)
    (home / ".mamba/auth/authentication.json").write_text(json.dumps({server.url.partition("://")[2]: stored}))
    found = lock(f"{server.url}/channel")
    assert found.packages[0].public_url == f"{server.url}/channel/linux-64/tool-1.0-0.conda"
    assert "s3cret" not in json.dumps([dict(found.packages[0].record), found.channels])


def test_a_channel_by_name_has_the_token_that_its_configured_place_has(serve: Serve, folder: Path) -> None:
    server = serve(folder, token="tk-s3cret")
    configuration = CondaConfiguration(custom_channels={"channel": f"{server.url}/t/tk-s3cret"})
    assert lock("channel", configuration=configuration).channels == (f"{server.url}/channel",)
    assert lock(f"{server.url}/channel", configuration=configuration).packages


def test_no_credentials(serve: Serve, folder: Path) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    with pytest.raises(ChannelError, match=r"refuses access: .*401(?s:.*)log in with"):
        lock(f"{server.url}/channel")


def test_wrong_credentials_are_not_repeated(serve: Serve, folder: Path) -> None:
    server = serve(folder, credentials=("me", "s3cret"))
    with pytest.raises(ChannelError, match="refuses access") as caught:
        lock(server.url.replace("://", "://me:wr0ng@") + "/channel")
    assert "wr0ng" not in str(caught.value)


def test_no_such_channel(serve: Serve, folder: Path) -> None:
    server = serve(folder)
    with pytest.raises(ChannelError, match=rf"there is no channel at {server.url}/missing/ .*404"):
        lock(f"{server.url}/missing")


@pytest.mark.parametrize("answer", [Answer(403), Answer(200, b"<html>welcome</html>")], ids=["403", "page"])
def test_a_server_that_knows_nothing_of_shards(serve: Serve, folder: Path, answer: Answer) -> None:
    server = serve(folder, answers={"repodata_shards.msgpack.zst": answer})
    assert lock(f"{server.url}/channel").packages


def test_numbers_in_a_url_say_nothing_of_an_answer(serve: Serve, folder: Path) -> None:
    (folder / "v14010").symlink_to("channel")
    server = serve(folder, answers={"repodata_shards.msgpack.zst": Answer(403)})
    assert lock(f"{server.url}/v14010").packages


@pytest.mark.parametrize(
    "answer",
    [Answer(200, b"<html>welcome</html>"), Answer(200, b'{"info": {', length=5000), Answer(200, b'{"packages": 3}')],
    ids=["page", "cut", "other"],
)
def test_an_index_that_is_damaged(serve: Serve, folder: Path, answer: Answer) -> None:
    missing = dict.fromkeys(("shards.msgpack.zst", ".json.zst", ".json.bz2"), Answer(404))
    server = serve(folder, answers={**missing, "repodata.json": answer})
    with pytest.raises(ChannelError, match="channel"):
        lock(f"{server.url}/channel")


def test_nobody_listens(serve: Serve, folder: Path) -> None:
    server = serve(folder)
    server.stop()
    with pytest.raises(ChannelError, match=r"cannot be reached(?s:.*)with --offline"):
        lock(f"{server.url}/channel")


def test_offline_uses_what_was_downloaded(serve: Serve, folder: Path) -> None:
    server = serve(folder)
    online = lock(f"{server.url}/channel")
    server.stop()
    assert lock(f"{server.url}/channel", offline=True) == online
    assert lock(f"{server.url}/channel", configuration=CondaConfiguration(offline=True)) == online


def test_offline_without_it(serve: Serve, folder: Path) -> None:
    server = serve(folder)
    with pytest.raises(ChannelError, match="run once without --offline"):
        lock(f"{server.url}/channel", offline=True)
    assert server.requests == []


def test_offline_with_a_local_channel(folder: Path) -> None:
    assert lock(str(folder / "channel"), offline=True).packages


def test_stored_credentials_that_are_damaged(serve: Serve, folder: Path, home: Path) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text("{")
    with pytest.raises(CredentialsError, match="the credentials for channels"):
        lock(f"{serve(folder).url}/channel")


@pytest.mark.parametrize("sharded", [True, False])
def test_a_cache_that_cannot_be_written(
    serve: Serve, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharded: bool
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "file" / "cache"))
    server = serve(folder, answers={} if sharded else {"shards.msgpack.zst": Answer(404)})
    with pytest.raises(CacheError, match="RATTLER_CACHE_DIR"):
        lock(f"{server.url}/channel")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and the certificate for 127.0.0.1 that it signed itself."""
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    key, public = path.with_name("key.pem"), path.with_name("public.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(public), "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(key.read_bytes() + public.read_bytes())
    return path


@pytest.fixture
def secure(serve: Serve, folder: Path, certificate: Path) -> ChannelServer:
    """Return a server with TLS that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serve(folder, context=context)


def test_a_server_that_nobody_trusts(secure: ChannelServer) -> None:
    with pytest.raises(ChannelError, match=r"no secure connection(?s:.*)SSL_CERT_FILE"):
        lock(f"{secure.url}/channel")


def test_ssl_cert_file(secure: ChannelServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("public.pem")))
    assert lock(f"{secure.url}/channel").packages


def test_ssl_verify_false(secure: ChannelServer) -> None:
    assert lock(f"{secure.url}/channel", configuration=CondaConfiguration(ssl_verify=False)).packages


def test_ssl_verify_names_an_authority(
    secure: ChannelServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")  # restores it after the test
    monkeypatch.delenv("SSL_CERT_FILE")
    authority = CondaConfiguration(ssl_verify=str(certificate.with_name("public.pem")))
    assert lock(f"{secure.url}/channel", configuration=authority).packages


def test_ssl_verify_names_a_file_that_is_not_there(secure: ChannelServer, tmp_path: Path) -> None:
    missing = CondaConfiguration(ssl_verify=str(tmp_path / "authority.pem"))
    with pytest.raises(InvalidEnvironment, match=r"ssl_verify .* names '.*authority.pem', which is not there"):
        lock(f"{secure.url}/channel", configuration=missing)


def test_ssl_verify_names_a_folder_of_authorities(
    secure: ChannelServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(variable, "")  # restores it after the test
        monkeypatch.delenv(variable)
    (tmp_path / "authorities").mkdir()
    (tmp_path / "authorities/0a1b2c3d.0").write_bytes(certificate.with_name("public.pem").read_bytes())
    authorities = CondaConfiguration(ssl_verify=str(tmp_path / "authorities"))
    assert lock(f"{secure.url}/channel", configuration=authorities).packages
