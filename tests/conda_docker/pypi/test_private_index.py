"""A package index behind a login: wheels are resolved and downloaded with it, and it is shown nowhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import PipOption, PipRequirements
from conda_docker.errors import DownloadError
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.pypi.resolve.resolve import resolve_wheels
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.serving import Quiet, served
from tests.conda_docker.pypi.wheels import make_wheel

LOGIN = "me:s3cret"


class _Private(Quiet):
    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(LOGIN.encode()).decode()}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()


@pytest.fixture
def index(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the host and port of an index that has one wheel; pip is not configured to use it."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    folder = tmp_path / "index" / "simple" / "private"
    folder.mkdir(parents=True)
    wheel = make_wheel(folder, "private")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    with served(tmp_path / "index", _Private) as host:
        yield host


def resolve(tmp_path: Path, *options: PipOption) -> LockedEnvironment:
    pip = PipRequirements(requirements=("private",), options=options, origin="environment.yml")
    environment = LockedEnvironment("linux-64", (conda_package("python", "3.12.4"),), pip=pip)
    return resolve_wheels(environment, cache_dir=tmp_path / "cache")


def test_the_login_of_an_index_serves_its_files_too(index: str, tmp_path: Path) -> None:
    [wheel] = resolve(tmp_path, PipOption("index-url", f"http://{LOGIN}@{index}/simple")).wheels
    [(_, path)] = fetch_packages([wheel], tmp_path / "cache")
    assert path.is_file()
    assert wheel.public_url == f"http://{index}/simple/private/private-1.0-py3-none-any.whl"
    assert "s3cret" not in str(path)


def test_a_login_in_netrc_serves_both(index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    [wheel] = resolve(tmp_path, PipOption("index-url", f"http://{index}/simple")).wheels
    assert len(list(fetch_packages([wheel], tmp_path / "cache"))) == 1


def test_a_variable_of_pip_names_the_index(index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{LOGIN}@{index}/simple")
    [wheel] = resolve(tmp_path).wheels
    assert wheel.name == "private"


def test_a_variable_of_uv_names_the_index(index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://{LOGIN}@{index}/simple")
    [wheel] = resolve(tmp_path).wheels
    assert len(list(fetch_packages([wheel], tmp_path / "cache"))) == 1


def test_a_wrong_login_is_not_shown(index: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"environment\.yml") as caught:
        resolve(tmp_path, PipOption("index-url", f"http://me:wr0ng@{index}/simple"))
    assert "wr0ng" not in str(caught.value)
    assert "401" in str(caught.value)


def test_without_a_login_the_message_says_what_is_missing(index: str, tmp_path: Path) -> None:
    [wheel] = resolve(tmp_path, PipOption("index-url", f"http://{LOGIN}@{index}/simple")).wheels

    with pytest.raises(DownloadError, match="access is denied"):
        list(fetch_packages([replace(wheel, url=wheel.public_url)], tmp_path / "cache"))
