"""`conda-docker verify`: exit codes, and where packages are from."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from conda_docker.cli.exit_codes import ExitCode
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.pypi.wheels import make_wheel
from tests.images import write_oci_layout
from tests.python_docker.signing.keys import ecdsa_key, pem, public_pem

Build = Callable[..., CompletedProcess[str]]


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> Build:
    """Return a function that builds `oci:out:1`; `cosign.key` signs and `cosign.pub` verifies."""
    synthetic_channel.add(
        SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": b"python"}),
        SyntheticPackage(name="data", noarch="generic", files={"share/data": b"1"}),
    )
    key = ecdsa_key()
    (tmp_path / "cosign.key").write_bytes(pem(key))
    (tmp_path / "cosign.pub").write_bytes(public_pem(key))
    (tmp_path / "other.pub").write_bytes(public_pem(ecdsa_key()))

    def run(*args: str, specs: tuple[str, ...] = ("data",), platform: str = "linux/amd64") -> CompletedProcess[str]:
        asked = ["-c", synthetic_channel.url, "--override-channels", "--platform", platform, "--bytecode", "never"]
        result = conda_docker("build", "-b", "scratch", *asked, "-o", "oci:out:1", *args, *specs)
        assert result.returncode == 0, result.stderr
        return result

    return run


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_each_failure_has_a_code_of_its_own(build: Build, conda_docker: Run, tmp_path: Path) -> None:
    build("--sign-key", "cosign.key")
    (tmp_path / "junk.pub").write_text("junk")
    (tmp_path / "root.json").write_text("{}")
    gone = f"docker://127.0.0.1:{free_port()}/app:1"
    identity = ["--certificate-identity", "a@example.org", "--certificate-oidc-issuer", "https://example.org"]
    expected = [
        (["--key", "cosign.pub", "oci:out:1"], 0),
        (["--key", "other.pub", "oci:out:1"], ExitCode.WRONG_SIGNATURE),
        (["--key", "junk.pub", "oci:out:1"], ExitCode.INVALID_INPUT),
        (["--key", "cosign.key", "oci:out:1"], ExitCode.INVALID_INPUT),
        (["--key", "missing.pub", "oci:out:1"], ExitCode.NOT_FOUND),
        (["--key", "cosign.pub", "oci:missing:1"], ExitCode.NOT_FOUND),
        (["--key", "cosign.pub", gone], ExitCode.NETWORK),
        ([*identity, "--trusted-root", "root.json", "oci:out:1"], ExitCode.INVALID_INPUT),
        ([*identity, "--trusted-root", "missing.json", "oci:out:1"], ExitCode.NOT_FOUND),
        (["--allow-channel", "https://example.com/other", "oci:out:1"], ExitCode.FAILED),
        (["oci:out:1"], ExitCode.USAGE),
    ]
    assert [(args, conda_docker("verify", *args).returncode) for args, _ in expected] == expected
    build("--label", "a=b")
    assert conda_docker("verify", "--key", "cosign.pub", "oci:out:1").returncode == ExitCode.NOT_SIGNED


def test_channels_are_listed_in_any_case(build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    build("--sign-key", "cosign.key", specs=("data", "python"))
    result = conda_docker("verify", "--key", "cosign.pub", "oci:out:1")
    assert f"from {synthetic_channel.url}: 2 packages" in result.stdout
    result = conda_docker("verify", "--rebuild", "--json", "oci:out:1")
    assert json.loads(result.stdout)["channels"] == {
        "verified": True,
        "channels": [{"url": synthetic_channel.url, "kind": "conda", "packages": 2}],
        "refused": [],
    }


def test_packages_of_another_channel(build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    build()
    allowed = conda_docker("verify", "--allow-channel", synthetic_channel.url, "oci:out:1")
    assert allowed.returncode == 0, allowed.stderr + allowed.stdout
    refused = conda_docker("verify", "--allow-channel", "https://example.com/team", "oci:out:1", "--rebuild", "--json")
    assert refused.returncode == ExitCode.FAILED
    report = json.loads(refused.stdout)
    assert report["channels"]["refused"] == [
        f"data-1.0-0: its channel {synthetic_channel.url} is not in --allow-channel https://example.com/team"
    ]
    assert report["rebuild"] is None
    text = conda_docker("verify", "--allow-channel", "https://example.com/team", "oci:out:1").stdout
    assert text.startswith("NOT ALLOWED  data-1.0-0: ")
    assert f"from {synthetic_channel.url}: 1 package" in text


def test_wheels(build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    build(specs=("python",))  # to have the package in the channel
    wheel = make_wheel(tmp_path, "demo-wheel", "2.0", {"demo_wheel.py": ""})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    python = synthetic_channel.locked(SyntheticPackage(name="python", version="3.12.1"))
    lines = [
        "# platform: linux-64",
        "@EXPLICIT",
        python.url,
        f"# pip demo-wheel @ {wheel.as_uri()} --hash=sha256:{digest}",
    ]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    build("-f", "list.txt", specs=())
    refused = conda_docker("verify", "--allow-channel", synthetic_channel.url, "oci:out:1")
    assert (refused.returncode, "pypi allows all wheels" in refused.stdout) == (ExitCode.FAILED, True)
    allowed = conda_docker("verify", "--allow-channel", synthetic_channel.url, "--allow-channel", "pypi", "oci:out:1")
    assert allowed.returncode == 0
    assert "from file://: 1 wheel" in allowed.stdout


def test_all_images_of_an_index(build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    build(platform="linux/amd64,linux/arm64")
    result = conda_docker("verify", "--allow-channel", synthetic_channel.url, "oci:out:1")
    assert (result.returncode, result.stdout) == (0, f"from {synthetic_channel.url}: 1 package\n")


def test_an_image_whose_history_names_no_packages(conda_docker: Run, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "plain", LAYERS, tag="v1")
    result = conda_docker("verify", "--allow-channel", "conda-forge", "oci:plain:v1")
    assert result.returncode == ExitCode.NOT_FOUND
