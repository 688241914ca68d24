"""The configuration of a server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from conda_docker.serve.configuration import InvalidConfiguration
from conda_docker.serve.configuration_file import configuration_of, read_configuration
from python_docker.spec.platform import Platform

_TOKEN = hashlib.sha256(b"opensesame").hexdigest()


def test_the_whole_of_it(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    file = tmp_path / "serve.toml"
    file.write_text(
        f"""
        base = "scratch"
        channels = ["conda-forge", "https://conda.example.org/team"]
        platforms = ["linux/amd64", "linux-aarch64"]
        environments = "envs"
        virtual-packages = ["__cuda=12.4"]
        cache-from = ["ghcr.io/org/layers"]
        redirect = true
        public-url = "images.example.org"

        [limits]
        packages = 200
        disk-bytes = "50GB"

        [build]
        compression = "zstd"
        user = "1000"

        [anonymous]
        channels = ["conda-forge"]
        locks = false

        [[access]]
        name = "ci"
        token-sha256 = "{_TOKEN}"

        [proxy]
        user-header = "X-Forwarded-User"
        addresses = ["127.0.0.1"]
        """
    )
    read = read_configuration(file)
    assert read.platforms == (Platform("linux", "amd64"), Platform("linux", "arm64"))
    assert read.environments == tmp_path / "envs"
    assert (read.limits.packages, read.limits.disk_bytes, read.limits.builds) == (200, 50 * 10**9, 2)
    assert read.build == {"compression": "zstd", "user": "1000"}
    assert read.everybody is not None
    assert (read.everybody.channels, read.everybody.locks) == (("conda-forge",), False)
    assert read.proxy is not None
    assert read.proxy.addresses == ("127.0.0.1",)


def test_by_default_everybody_may_use_everything() -> None:
    read = configuration_of({}, Path())
    assert read.channels == ("conda-forge",)
    assert read.everybody is not None


def test_with_tokens_nobody_else_may() -> None:
    assert configuration_of({"access": [{"name": "ci", "token-sha256": _TOKEN}]}, Path()).everybody is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"chanels": ["a"]}, "no key chanels; did you mean 'channels'"),
        ({"public_url": "a"}, "no key public_url; did you mean 'public-url'"),
        ({"channels": "conda-forge"}, "channels must be a list of strings"),
        ({"platforms": []}, "at least one"),
        ({"platforms": ["linux/amd46"]}, "platforms: "),
        ({"limits": {"packages": 0}}, "limits.packages must be a whole number above 0"),
        ({"limits": {"package": 1}}, "no key limits.package; did you mean 'packages'"),
        ({"limits": {"disk-bytes": "50"}}, "limits.disk-bytes"),
        ({"environments": "nowhere"}, "no folder"),
        ({"redirect": True}, "name one in cache-from"),
        (
            {"channels": ["https://a:opensesame@one.example.org/team", "https://two.example.org/team/"]},
            "https://one.example.org/team and https://two.example.org/team/ would both be called 'team'",
        ),
        ({"redirect": "yes"}, "redirect must be true or false"),
        ({"limits": {"build-seconds": "5m"}}, "limits.build-seconds must be a whole number above 0; got '5m'"),
        ({"limits": {"disk-bytes": "many"}}, "disk-bytes"),
        ({"build": {"compresion": "zstd"}}, "build has no key 'compresion'; did you mean 'compression'"),
        ({"build": {"compression": "bzip2"}}, "build: compression"),
        ({"build": {"add": ["/etc/shadow:/x"]}}, "build has no key 'add'"),
        ({"access": [{"name": "ci"}]}, "either token-sha256 or user"),
        ({"access": [{"name": "ci", "token-sha256": "opensesame"}]}, "must be the SHA-256 of the token"),
        ({"access": [{"token-sha256": _TOKEN}]}, "needs a name"),
        ({"access": [{"name": "a", "user": "x"}, {"name": "a", "user": "y"}]}, "a name of its own"),
        ({"anonymous": {"channels": ["other"]}}, "not one of the server's channels"),
        ({"proxy": {}}, "proxy needs user-header, addresses"),
        ({"access": {"name": "ci"}}, "[[access]]"),
        ({"access": [{"name": "a", "user": "x"}]}, "add [proxy]"),
        ({"public-url": "https://foo bar/"}, "must be a host"),
    ],
)
def test_what_cannot_be_used(document: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        configuration_of(document, Path())
    assert said in str(error.value)
    assert "opensesame" not in str(error.value)


def test_what_is_not_toml(tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text("a = ")
    with pytest.raises(InvalidConfiguration, match="not valid TOML"):
        read_configuration(tmp_path / "serve.toml")
