"""conda-lock's unified lock files are read for each platform and category."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from conda_docker.environment.inputs.lock_files.conda_lock import parse_conda_lock
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.inputs.examples import A, B, C, example
from tests.conda_docker.environment.real_files import real_files

TEXT = example("conda-lock.yml")
ONE = """package:
- name: a
  version: '1'
  manager: {manager}
  platform: linux-64
  url: {url}
  hash: {{sha256: {hash}}}
"""
URL = "https://conda.example.org/forge/linux-64/a-1-0.conda"


def one(url: str = URL, manager: str = "conda", hash: str = A) -> str:
    return ONE.format(url=url, manager=manager, hash=hash)


def test_everything() -> None:
    found = parse_conda_lock(TEXT, subdir="linux-64")
    assert [(package.name, package.version) for package in found.packages] == [("python", "3.10"), ("tzdata", "2024b")]
    assert [package.subdir for package in found.packages] == ["linux-64", "noarch"]
    assert [(package.sha256, package.md5) for package in found.packages] == [(A, C), (B, C)]
    assert [(wheel.name, wheel.version, wheel.sha256) for wheel in found.wheels] == [
        ("idna", "3.10", A),
        ("requests", "2.32.3", B),
    ]
    assert found.wheels[1].requires == ("idna >=2.5,<4",)
    assert (found.channels, found.warnings, found.complete) == (("forge",), (), False)


def test_platforms() -> None:
    assert [package.name for package in parse_conda_lock(TEXT, subdir="linux-aarch64").packages] == ["tzdata"]
    with pytest.raises(InvalidEnvironment, match="no platform linux-s390x; it has linux-64, linux-aarch64"):
        parse_conda_lock(TEXT, subdir="linux-s390x")


@pytest.mark.parametrize(
    ("categories", "names"),
    [
        ((), ["python", "tzdata"]),
        (("main",), ["python", "tzdata"]),
        (("docs",), ["tzdata", "sphinx"]),
        (("main", "dev"), ["python", "tzdata", "sphinx"]),
    ],
)
def test_categories(categories: tuple[str, ...], names: list[str]) -> None:
    found = parse_conda_lock(TEXT, subdir="linux-64", categories=categories)
    assert [package.name for package in found.packages] == names


def test_a_category_that_is_missing() -> None:
    with pytest.raises(InvalidEnvironment, match=r"conda-lock.yml has no category 'test'; it has dev, docs, main"):
        parse_conda_lock(TEXT, subdir="linux-64", categories=["test"])


def test_an_image_is_not_empty_because_all_packages_are_of_another_category() -> None:
    only_dev = one() + "  category: dev\n"
    with pytest.raises(InvalidEnvironment, match=r"no packages of the category main .*; choose .* --category: dev"):
        parse_conda_lock(only_dev, subdir="linux-64")


def test_an_image_is_not_empty_because_all_packages_are_for_another_platform() -> None:
    metadata = "metadata: {platforms: [linux-64, osx-arm64]}\n"
    lock = metadata + one(URL.replace("linux-64", "osx-arm64")).replace("linux-64", "osx-arm64")
    with pytest.raises(InvalidEnvironment, match="no packages for linux-64, only for osx-arm64; lock it for linux-64"):
        parse_conda_lock(lock, subdir="linux-64")


@pytest.mark.parametrize("packages", ["", "[]"])
def test_a_list_without_packages_is_noted(packages: str) -> None:
    found = parse_conda_lock(f"metadata: {{platforms: [linux-64]}}\npackage: {packages}\n", subdir="linux-64")
    assert (found.packages, found.warnings) == ((), ("conda-lock.yml lists no packages",))


def test_the_least_there_can_be() -> None:
    assert len(parse_conda_lock(one(), subdir="linux-64").packages) == 1


def test_variables_where_credentials_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "tk-s3cret")
    monkeypatch.setenv("TEAM_PASSWORD", "s3cret/@")
    url = "https://me:${TEAM_PASSWORD}@host/t/$TEAM_TOKEN/$TEAM_TOKEN/linux-64/a-1-0.conda"
    package = parse_conda_lock(one(url), subdir="linux-64").packages[0]
    assert package.url == "https://me:s3cret%2F%40@host/t/tk-s3cret/$TEAM_TOKEN/linux-64/a-1-0.conda"
    assert package.public_url == "https://host/$TEAM_TOKEN/linux-64/a-1-0.conda"
    assert "s3cret" not in str(package.record)


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEAM_TOKEN", raising=False)
    with pytest.raises(InvalidEnvironment, match=r"line 2 of conda-lock.yml: .* variable TEAM_TOKEN, which is not set"):
        parse_conda_lock(one("https://host/t/${TEAM_TOKEN}/c/linux-64/a-1-0.conda"), subdir="linux-64")


@pytest.mark.parametrize("hidden", ["<TOKEN>", "*****", "**********"])
def test_hidden_tokens_are_left_out(hidden: str) -> None:
    package = parse_conda_lock(one(f"https://host/t/{hidden}/c/linux-64/a-1-0.conda"), subdir="linux-64").packages[0]
    assert package.url == "https://host/c/linux-64/a-1-0.conda"


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        (TEXT.replace("version: 1\n", "version: 2\n"), "conda-lock.yml is a conda-lock file of version 2"),
        (one(manager="npm"), "line 2 of conda-lock.yml: the package manager 'npm' is not known"),
        (one().replace("  manager: conda\n", ""), "line 2 of conda-lock.yml: `manager` is missing"),
        (one(hash="1f"), "line 2 of conda-lock.yml: .* sha256 is not 64 hexadecimal digits"),
        (one(URL.replace("a-1", "b-1")), "line 2 of conda-lock.yml: a-1 has the URL of another package"),
        (one(URL.replace("linux-64", "win-64")), "a is for linux-64, but its URL names a package for win-64"),
        (one("https://host/a.zip"), "line 2 of conda-lock.yml: .* is not a conda package's URL"),
        (one(manager="pip", url="a-1-py3-none-any.whl"), "is neither the URL of a package nor a file"),
        (
            one() + one(URL.replace("a-1-0", "a-1-1")).removeprefix("package:\n"),
            "line 8 of .* names the package a again: .*; line 2 of .* has ",
        ),
        ("metadata: {}\n", "it has no list `package`"),
        ("package: a\n", "line 1 of conda-lock.yml: `package` should be a list"),
        ("package: [a]\n", "entry 1 of `package` should be a mapping"),
    ],
)
def test_what_is_refused(lock: str, message: str) -> None:
    with pytest.raises((InvalidEnvironment, UnsupportedInput), match=message):
        parse_conda_lock(lock, subdir="linux-64")


def test_a_repository_is_left_to_pip() -> None:
    pip = parse_conda_lock(one("git+https://host/a.git@1f", manager="pip"), subdir="linux-64").pip
    assert pip is not None
    assert pip.requirements == ("a @ git+https://host/a.git@1f",)


def test_a_direct_reference_counts() -> None:
    lock = (
        one("https://host/other.whl", manager="pip") + "  source: {type: url, url: https://host/a-1-py3-none-any.whl}\n"
    )
    (wheel,) = parse_conda_lock(lock, subdir="linux-64").wheels
    assert (wheel.url, wheel.direct) == ("https://host/a-1-py3-none-any.whl", True)
    assert not any(wheel.direct for wheel in parse_conda_lock(TEXT, subdir="linux-64").wheels)


def test_missing_hashes_are_said_once() -> None:
    lock = one().replace(f"{{sha256: {A}}}", "{}")
    assert parse_conda_lock(lock, subdir="linux-64").warnings == (
        "conda-lock.yml has no hash for 1 package, which cannot be verified: a",
    )


@pytest.mark.parametrize("path", real_files("conda-lock"), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = read_text(path)
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if any("manager" not in entry for entry in document["package"]):
        with pytest.raises(InvalidEnvironment, match=r"line \d+ of .*: `manager` is missing"):
            parse_conda_lock(text, path.name, subdir="linux-64")
        return
    for subdir in document["metadata"]["platforms"]:
        found = parse_conda_lock(text, path.name, subdir=subdir)
        expected = {
            (entry["name"], entry["version"], entry["url"], entry["hash"].get("md5"), entry["hash"].get("sha256"))
            for entry in document["package"]
            if entry["platform"] == subdir and entry.get("category", "main") == "main" and entry["manager"] == "conda"
        }
        assert {
            (package.name, package.version, package.url, package.md5, package.sha256) for package in found.packages
        } == expected
