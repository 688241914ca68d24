"""People who log in at Apache by OpenID Connect, with the example of the documentation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conda_docker.serve.identity_provider import identity_provider
from tests.conda_docker.serve.running import RunningServer, start_server
from tests.documentation.pages import ROOT, blocks
from tests.peers import Program
from tests.peers.apache import apache

__all__ = ["start_server"]

EXAMPLE = ROOT / "docs" / "examples" / "serve-apache.conf"
GUIDE = ROOT / "docs" / "guides" / "images-on-demand.md"
CONFIGURATION = f"""
[proxy]
user-header = "X-User"
addresses = ["127.0.0.1"]

[[access]]
name = "analysts"
user = "*@example.org"

[[access]]
name = "ci"
token-sha256 = "{hashlib.sha256(b"opensesame").hexdigest()}"
"""
TOKEN = {"Authorization": "Bearer opensesame"}
ANALYST, STRANGER = "ann@example.org", "eve@example.net"

LogIn = Callable[[str], httpx2.Client]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., RunningServer]) -> RunningServer:
    """Return a server that only some people and programs may use."""
    return start_server(CONFIGURATION)


@pytest.fixture
def browser_of(server: RunningServer, tmp_path: Path) -> Iterator[LogIn]:
    """Return a function that starts a provider and Apache, and returns a browser of somebody with an address."""
    with ExitStack() as running:

        def browser_of(email: str) -> httpx2.Client:
            host = running.enter_context(signing_on(server, tmp_path / "apache", email))
            return running.enter_context(httpx2.Client(base_url=f"http://{host}", follow_redirects=True, timeout=60))

        yield browser_of


@contextmanager
def signing_on(server: RunningServer, folder: Path, email: str) -> Iterator[str]:
    """Run a provider that takes everybody for one person, and Apache in front of a server; give Apache's host."""
    secret = "a-secret-of-the-provider-and-us"
    with identity_provider("images", secret, email) as provider:

        def example(port: int) -> str:
            text = EXAMPLE.read_text()
            for before, after in (
                ("*:443", f"127.0.0.1:{port}"),
                ("https://images.example.org", f"http://localhost:{port}"),
                ("images.example.org", "localhost"),
                ("https://login.example.org", provider.url),
                ("http://127.0.0.1:5000", f"http://{server.host}"),
                ("exec:/bin/cat /etc/apache2/secrets/images-client", secret),
                ("exec:/bin/cat /etc/apache2/secrets/images-cookies", "a-secret-for-cookies"),
            ):
                assert before in text
                text = text.replace(before, after)
            return re.sub(r"    SSL.*\n", "", text)

        with apache(folder, example) as host:
            yield host


def test_whoever_logs_in_is_known(browser_of: LogIn) -> None:
    browser = browser_of(ANALYST)
    sent_away = browser.get("/v1/about", follow_redirects=False)
    assert (sent_away.status_code, "/authorize?" in sent_away.headers["Location"]) == (302, True)
    assert "Images of conda packages" in browser.get("/").text
    assert browser.get("/v1/plan?package=flask").json()["name"] == "flask"


def test_whom_the_server_does_not_know_may_use_nothing(browser_of: LogIn) -> None:
    browser = browser_of(STRANGER)
    assert browser.get("/").status_code == 200
    assert browser.get("/v1/about").status_code == 401
    # Nor does it help to say that one is somebody else.
    assert browser.get("/v1/about", headers={"X-User": ANALYST}).status_code == 401
    assert browser.get("/v2/flask/tags/list", headers={"X-User": ANALYST}).status_code == 401


def test_programs_send_tokens(browser_of: LogIn, skopeo: Program, tmp_path: Path) -> None:
    program = browser_of(ANALYST)
    assert program.get("/v2/").status_code == 401
    assert program.get("/v2/", headers=TOKEN).status_code == 200
    assert program.post("/v1/locks", content="no lock file").status_code == 401
    assert program.post("/v1/locks", content="no lock file", headers=TOKEN).status_code == 400
    source = f"docker://{program.base_url.netloc.decode()}/flask:latest"
    skopeo("copy", "--src-tls-verify=false", "--src-creds=ci:opensesame", source, f"dir:{tmp_path / 'copied'}")


def test_metrics_are_for_nobody_outside(browser_of: LogIn) -> None:
    assert browser_of(ANALYST).get("/metrics").status_code == 403


def test_the_guide_shows_the_example() -> None:
    [block] = [block for block in blocks(GUIDE) if block.title == EXAMPLE.name]
    assert block.text == EXAMPLE.read_text()
