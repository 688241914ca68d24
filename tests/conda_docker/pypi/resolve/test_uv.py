from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import PipRequirements
from conda_docker.pypi.pip_configuration import PipConfiguration
from conda_docker.pypi.resolve.failures import unresolvable
from conda_docker.pypi.resolve.uv import UvFailed, run_uv, uv_environment
from tests.conda_docker.pypi.resolve.test_failures import TARGET
from tests.conda_docker.pypi.serving import Quiet, served


def test_uv_gets_no_more_of_the_environment_than_it_needs() -> None:
    environ = {"HOME": "/h", "https_proxy": "p", "AWS_SECRET_ACCESS_KEY": "s", "UV_INDEX": "i", "UV_PYTHON": "3.8"}
    assert uv_environment(PipConfiguration(), environ) == {"HOME": "/h", "https_proxy": "p", "UV_INDEX": "i"}


def test_pips_configuration_becomes_uvs() -> None:
    configuration = PipConfiguration(
        index_url="https://a", extra_index_urls=("https://b", "https://c"), find_links=("/x", "/y"), cert="/ca.pem"
    )
    assert uv_environment(configuration, {"UV_FIND_LINKS": "/z"}, offline=True) == {
        "UV_DEFAULT_INDEX": "https://a",
        "UV_EXTRA_INDEX_URL": "https://b https://c",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/z,/x,/y",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_OFFLINE": "1",
    }


def test_uvs_own_index_wins_over_pips_configuration_and_a_requirements_file_over_both() -> None:
    own = {"UV_DEFAULT_INDEX": "https://uv"}
    configured = PipConfiguration(index_url="https://pip")
    assert uv_environment(configured, own)["UV_DEFAULT_INDEX"] == "https://uv"
    asked = configured.with_options({"index-url": ("https://file",)})
    assert uv_environment(asked, own)["UV_DEFAULT_INDEX"] == "https://file"


def test_what_uv_says_when_it_fails_is_kept(tmp_path: Path) -> None:
    with pytest.raises(UvFailed) as caught:
        run_uv(["pip", "compile", "missing.in"], tmp_path, uv_environment(PipConfiguration()))
    assert "missing.in" in caught.value.output


@pytest.mark.skipif(sys.platform != "linux", reason="nothing enforces a limit elsewhere")
def test_what_an_index_answers_takes_no_more_memory_than_is_allowed(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    content = b"".join([packer.compress(bytes(1 << 20)) for _ in range(160)]) + packer.flush()

    class Bomb(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in (("Type", "text/html"), ("Encoding", "gzip"), ("Length", str(len(content)))):
                self.send_header(f"Content-{name}", value)
            self.end_headers()
            self.wfile.write(content)

    (tmp_path / "requirements.in").write_text("six\n")
    with served(tmp_path, Bomb) as host, pytest.raises(UvFailed) as caught:
        environment = uv_environment(PipConfiguration(index_url=f"http://{host}/simple"), {"PATH": os.defpath})
        environment |= {"UV_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
        run_uv(
            ["pip", "compile", "requirements.in", "--python", sys.executable], tmp_path, environment, memory=128 << 20
        )
    said = unresolvable(caught.value.output, PipRequirements(("six",)), TARGET, [], sdists=False)
    assert "an answer of a package index may be damaged, or made to exhaust it" in str(said)
