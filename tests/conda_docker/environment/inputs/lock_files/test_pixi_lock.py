"""pixi.lock of every version is read, for each of its environments and platforms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler.lock import CondaLockedBinaryPackage, LockFile

from conda_docker.environment.inputs.lock_files.pixi_lock import parse_pixi_lock
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.inputs.examples import FOLDER, A, B, C, example
from tests.conda_docker.environment.real_files import real_files

FORGE = "https://conda.example.org/forge/"
V6 = """version: 6
environments:
  default:
    channels:
    - url: {channel}
    packages:
      linux-64:
      - {selector}
packages:
- {package}
"""


def of(package: str, *more: str, selector: str | None = None, channel: str = FORGE) -> str:
    """Return a lock file of one package, given by its lines."""
    lines = "\n  ".join([package, *more])
    return V6.format(channel=channel, selector=selector or package, package=lines)


def stems(environment: LockedEnvironment) -> list[str]:
    return [package.stem for package in environment.packages]


@pytest.mark.parametrize("version", [1, 3, 5, 6, 7])
def test_every_version(version: int) -> None:
    found = parse_pixi_lock(example(f"v{version}.pixi.lock"), subdir="linux-64")
    assert found.subdir == "linux-64"
    assert found.channels == (FORGE,)
    assert "tzdata" in {package.name for package in found.packages}
    assert all(package.sha256 in (A, B, None) and package.md5 in (C, None) for package in found.packages)
    assert {wheel.name for wheel in found.wheels} <= {"six", "requests", "idna", "click"}
    assert all(wheel.sha256 in (A, B) for wheel in found.wheels)


@pytest.mark.parametrize(
    ("known", "complete"), [("size: 10", True), ("timestamp: 1700000000000", True), ("md5: " + C, False)]
)
def test_what_an_entry_without_size_and_time_leaves_to_the_package(known: str, complete: bool) -> None:
    text = of(f"conda: {FORGE}linux-64/zlib-1.3-h1_0.conda", f"sha256: {A}", known,
              selector=f"conda: {FORGE}linux-64/zlib-1.3-h1_0.conda")  # fmt: skip
    assert parse_pixi_lock(text, subdir="linux-64").complete is complete


@pytest.mark.parametrize(("version", "complete"), [(1, False), (3, True), (5, True), (6, True), (7, True)])
def test_whether_everything_is_known(version: int, complete: bool) -> None:
    """Version 1 does not say what kind of noarch package one is."""
    assert parse_pixi_lock(example(f"v{version}.pixi.lock"), subdir="linux-64").complete is complete


def test_all_fields() -> None:
    python = parse_pixi_lock(example("v6.pixi.lock"), subdir="linux-64").python
    assert python is not None
    assert (python.version, python.build, python.build_number) == ("3.13.1", "ha99a958_102_cp313", 102)
    assert (python.sha256, python.md5, python.size, python.timestamp) == (A, C, 33169840, 1736763984540)
    assert python.depends == ("__glibc >=2.17,<3.0.a0", "tzdata")
    assert python.python_site_packages_path == "lib/python3.13/site-packages"
    assert (python.subdir, python.noarch, python.channel) == ("linux-64", None, FORGE)


def test_packages_are_in_topological_order() -> None:
    found = parse_pixi_lock(example("v6.pixi.lock"), subdir="linux-64")
    assert [package.name for package in found.packages] == ["tzdata", "python", "pip"]
    assert [wheel.name for wheel in found.wheels] == ["idna", "requests"]


@pytest.mark.parametrize(("build", "kind"), [("pyhd8ed1ab_0", "python"), ("h0c530f3_0", "generic")])
def test_the_kind_of_a_noarch_package_is_told_by_its_build(build: str, kind: str) -> None:
    lock = of(f"conda: {FORGE}noarch/a-1-{build}.conda")
    assert parse_pixi_lock(lock, subdir="linux-64").packages[0].noarch == kind


@pytest.mark.parametrize(("said", "kind"), [("generic", "generic"), ("python", "python"), ("false", None)])
def test_the_kind_of_a_noarch_package_is_said(said: str, kind: str | None) -> None:
    lock = of(f"conda: {FORGE}noarch/a-1-py_0.conda", f"noarch: {said}")
    assert parse_pixi_lock(lock, subdir="linux-64").packages[0].noarch == kind


def test_descriptions_in_parts_are_put_together() -> None:
    """Version 5 may describe one package twice, with other fields."""
    tzdata = parse_pixi_lock(example("v5.pixi.lock"), subdir="linux-64").packages[0]
    assert (tzdata.sha256, tzdata.md5, tzdata.size) == (B, C, 119815)


def test_a_hash_of_digits_alone() -> None:
    """YAML would make a number of it."""
    lock = of(f"conda: {FORGE}linux-64/a-1-0.conda", f"md5: {'1' * 32}")
    assert parse_pixi_lock(lock, subdir="linux-64").packages[0].md5 == "1" * 32


def test_environments() -> None:
    found = parse_pixi_lock(example("v5.pixi.lock"), subdir="linux-64", environment="docs")
    assert (stems(found), found.name) == (["tzdata-2024a-h0c530f3_0"], "docs")


def test_the_only_environment_needs_no_name() -> None:
    lock = of(f"conda: {FORGE}linux-64/a-1-0.conda").replace("default:", "app:")
    assert parse_pixi_lock(lock, subdir="linux-64").name == "app"


@pytest.mark.parametrize("version", [1, 5])
def test_an_environment_that_is_missing(version: int) -> None:
    with pytest.raises(InvalidEnvironment, match=r"pixi.lock has no environment 'test'; it has default"):
        parse_pixi_lock(example(f"v{version}.pixi.lock"), subdir="linux-64", environment="test")


def test_an_environment_without_packages() -> None:
    lock = "version: 6\nenvironments:\n  default:\n    packages: {}\n  docs:\n    packages: {}\npackages: []\n"
    with pytest.raises(InvalidEnvironment, match="'default' has no packages; name another with --environment: docs"):
        parse_pixi_lock(lock)


def test_several_environments_and_none_is_the_default() -> None:
    lock = example("v5.pixi.lock").replace("default:", "app:")
    with pytest.raises(InvalidEnvironment, match="it has app, docs; name one of them with --environment"):
        parse_pixi_lock(lock, subdir="linux-64")


@pytest.mark.parametrize("version", [1, 3, 5, 6, 7])
def test_a_platform_that_is_missing(version: int) -> None:
    with pytest.raises(InvalidEnvironment, match=r"has no platform linux-ppc64le.*; it has linux-64"):
        parse_pixi_lock(example(f"v{version}.pixi.lock"), subdir="linux-ppc64le")


def test_the_only_linux_platform_is_taken() -> None:
    lock = example("v6.pixi.lock").replace("linux-64:", "linux-s390x:")
    assert parse_pixi_lock(lock).subdir == "linux-s390x"


def test_platforms_with_names_of_their_own() -> None:
    plain = parse_pixi_lock(example("v7.pixi.lock"), subdir="linux-64")
    assert stems(plain) == ["tzdata-2024b-hc8b5060_0"]
    assert [str(package) for package in plain.virtual_packages] == [
        "__unix=0=0",
        "__linux=4.18=0",
        "__glibc=2.28=0",
        "__archspec=0=x86_64",
    ]
    gpu = parse_pixi_lock(example("v7.pixi.lock"), subdir="linux-64", environment="gpu")
    assert stems(gpu) == ["cuda-12.4-h1_0"]
    assert [str(package) for package in gpu.virtual_packages] == ["__glibc=2.35=0", "__cuda=12.4=0"]


def test_several_platforms_for_one_subdir() -> None:
    lock = example("v7.pixi.lock").replace("name: linux-64\n", "name: p1\n  subdir: linux-64\n")
    lock = lock.replace("      linux-64:", "      p1:").replace("linux-64-gpu", "p2")
    found = parse_pixi_lock(lock, subdir="linux-64")
    assert stems(found) == ["tzdata-2024b-hc8b5060_0"]
    assert found.warnings == (
        "pixi.lock: of the platforms for linux-64 in the environment 'default', p1 is used, not p2",
    )
    found = parse_pixi_lock(lock, subdir="linux-64", declared={"__cuda": "12.4"})
    assert (stems(found), found.warnings) == (["cuda-12.4-h1_0"], ())


def test_local_archives(tmp_path: Path) -> None:
    (tmp_path / "channel").mkdir()
    (tmp_path / "channel" / "a-1-h1_0.conda").touch()
    (tmp_path / "b-2-py3-none-any.whl").touch()
    lock = of("conda: ./channel/a-1-h1_0.conda", "subdir: linux-64", "channel: null")
    lock = lock.replace("packages:\n- ", "packages:\n- pypi: ./b-2-py3-none-any.whl\n  name: b\n- ")
    lock = lock.replace("linux-64:\n", "linux-64:\n      - pypi: b-2-py3-none-any.whl\n")
    found = parse_pixi_lock(lock, subdir="linux-64", folder=tmp_path)
    assert found.packages[0].source == tmp_path / "channel" / "a-1-h1_0.conda"
    assert (found.packages[0].subdir, found.packages[0].build) == ("linux-64", "h1_0")
    assert (found.wheels[0].source, found.wheels[0].version) == (tmp_path / "b-2-py3-none-any.whl", "2")


def test_a_local_archive_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidEnvironment, match=r"line 10 of pixi.lock: .* is neither the URL of a package nor a file that exists"
    ):
        parse_pixi_lock(of("conda: ./a-1-0.conda"), subdir="linux-64", folder=tmp_path)


def test_wheels_by_their_own_urls() -> None:
    (wheel,) = parse_pixi_lock(example("v5.pixi.lock"), subdir="linux-64").wheels
    assert wheel.url == "https://downloads.example.org/click-8.1.7-py3-none-any.whl"
    assert wheel.requires == ("colorama ; platform_system == 'Windows'",)


def test_a_hash_behind_the_url() -> None:
    lock = example("v3.pixi.lock").replace(f"  hash:\n    sha256: {A}\n", "").replace("requests-2.31.0-py3", "r-3-py3")
    wheel = parse_pixi_lock(lock, subdir="linux-64").wheels[1]
    assert (wheel.sha256, wheel.file_name) == (A, "r-3-py3-none-any.whl")


@pytest.mark.parametrize(
    ("location", "more", "requirement"),
    [
        ("https://host/app-1.0.tar.gz", f"sha256: {A}", f"https://host/app-1.0.tar.gz#sha256={A}"),
        ("https://host/app-1.0.zip", "name: app", "https://host/app-1.0.zip"),
        ("git+https://host/app@1f", "editable: false", "git+https://host/app@1f"),
        ("git+https://host/app.git?rev=main#1f2e3d4", "name: app", "git+https://host/app.git@1f2e3d4"),
        ("git+https://host/app?tag=v1", "name: app", "git+https://host/app@v1"),
        ("git+ssh://git@host/app?subdirectory=a/b#1f2e3d4", "", "git+ssh://git@host/app@1f2e3d4#subdirectory=a/b"),
        ("./", "editable: true", "{folder}"),
        ("./", f"sha256: {A}", "{folder}"),  # of the project's metadata
        ("../app", "name: app", "{folder}/../app"),
    ],
)
def test_what_pip_would_build_is_left_to_it(tmp_path: Path, location: str, more: str, requirement: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "lock").mkdir()
    folder = tmp_path / "lock"
    lines = [line for line in ("name: app", more) if line]
    lock = of(f"pypi: {location}", *dict.fromkeys(lines))
    lock = lock.replace("packages:\n- ", "packages:\n- pypi: https://host/idna-3.10-py3-none-any.whl\n  name: idna\n- ")
    lock = lock.replace("linux-64:\n", "linux-64:\n      - pypi: https://host/idna-3.10-py3-none-any.whl\n")
    pip = parse_pixi_lock(lock, subdir="linux-64", folder=folder).pip
    assert pip is not None
    assert pip.requirements == (f"app @ {requirement.format(folder=folder.as_uri())}",)
    assert (pip.constraints, pip.origin) == (("idna==3.10",), "pixi.lock")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("conda: ./app", "name: app", "version: '1'", "subdir: noarch"), r"app is built from source \(./app\)"),
        (("conda_source: app[1f3a] @ ./app", "version: '1'"), "app is built from source"),
        (("conda: git+https://me:s3cret@host/app@1f", "name: app"), "app is built from source"),
    ],
)
def test_conda_packages_that_are_built_from_sources_are_refused_by_name(entry: tuple[str, ...], message: str) -> None:
    with pytest.raises(UnsupportedInput, match=rf"line \d+ of pixi.lock: {message}") as caught:
        parse_pixi_lock(of(*entry), subdir="linux-64")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ("version: 8\n", "a pixi lock file of version 8; versions 1 to 7 can be read"),
        ("version: 0\n", "of version 0"),
        ("version: six\n", "line 1 of pixi.lock: `version` should be a whole number"),
        ("environments: {}\n", "it has no `version`"),
        ("version: 6\n", "has no environment 'default'; it has none"),
        ("version: 2\n", "it has no list `package`"),
        (
            of(f"conda: {FORGE}linux-64/a-1-0.conda").partition("\npackages:")[0],
            "line 8 of pixi.lock: the package http",
        ),
        (of(f"conda: {FORGE}linux-64/a-1-0.conda", "sha256: 1f"), "line 10 of pixi.lock: .* sha256 is not 64 hexa"),
        (of(f"conda: {FORGE}linux-64/a-1-0.conda", "size: much"), "line 10 of pixi.lock: `size` should be a whole"),
        (of(f"conda: {FORGE}linux-64/a-1-0.conda", "noarch: x"), "line 10 of pixi.lock: .* noarch is 'x'"),
        (of(f"pypi: {FORGE}a-1-py3-none-any.whl", "name: a", "sha256: x"), "the sha256 of a is not 64 hexadecimal"),
        (of(f"pypi: {FORGE}a.whl", "name: a"), "line 10 of pixi.lock: the file name of a does not say its version"),
        (of("name: a"), r"line \d+ of pixi.lock: a package should have one of `conda`, `pypi` and `conda_source`"),
        ("version: 6\nenvironments: [", "of pixi.lock is not valid YAML"),
    ],
)
def test_what_is_no_lock_file(lock: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        parse_pixi_lock(lock, subdir="linux-64")


def test_two_packages_of_one_name() -> None:
    lock = of(f"conda: {FORGE}linux-64/a-1-0.conda")
    other = f"conda: {FORGE}linux-64/a-2-0.conda"
    lock = lock.replace("linux-64:\n", f"linux-64:\n      - {other}\n").replace(
        "packages:\n- ", f"packages:\n- {other}\n- "
    )
    with pytest.raises(
        InvalidEnvironment,
        match=r"line \d+ of .* names the package a again: \S+a-1-0.conda; line \d+ of .* has \S+a-2-0.conda",
    ):
        parse_pixi_lock(lock, subdir="linux-64")


def test_missing_hashes_are_said_once() -> None:
    lock = of(f"conda: {FORGE}linux-64/a-1-0.conda")
    assert parse_pixi_lock(lock, subdir="linux-64").warnings == (
        "pixi.lock has no hash for 1 package, which cannot be verified: a",
    )


def test_credentials_are_kept_for_the_download_alone() -> None:
    channel = "https://me:s3cret@host/t/tk-s3cret/team/"
    found = parse_pixi_lock(of(f"conda: {channel}linux-64/a-1-0.conda", channel=channel), subdir="linux-64")
    package = found.packages[0]
    assert package.url.count("s3cret") == 2
    assert found.channels == ("https://host/team/",)
    assert "s3cret" not in f"{package.record} {package.public_url} {package.channel}"


def compared(path: Path, text: str) -> int:
    """Compare what is read of a lock file with what rattler reads, and return the number of packages."""
    count = 0
    for name, environment in LockFile.from_path(path).environments():
        for platform in environment.platforms():
            expected = environment.packages(platform) or []
            if platform.name != str(platform.subdir) or not all(
                isinstance(package, CondaLockedBinaryPackage)
                for package in expected
                if not hasattr(package, "requires_dist")
            ):
                continue
            found = parse_pixi_lock(text, path.name, subdir=str(platform.subdir), environment=name, folder=path.parent)
            records = {
                package.name: json.loads(package.repo_data_record().to_json())
                for package in expected
                if isinstance(package, CondaLockedBinaryPackage)
            }
            assert {package.name for package in found.packages} == records.keys()
            for package in found.packages:
                record = records[package.name]
                assert (package.version, package.build, package.url) == (
                    record["version"],
                    record["build"],
                    record["url"],
                )
                assert (package.sha256, package.md5) == (record.get("sha256"), record.get("md5"))
                if package.complete:
                    assert list(package.depends) == record["depends"]
                    assert (package.noarch, package.build_number) == (record.get("noarch"), record["build_number"])
                    assert (package.size, package.timestamp) == (record.get("size"), record.get("timestamp"))
                    assert package.record.get("track_features") == record.get("track_features")
                    assert package.python_site_packages_path == record.get("python_site_packages_path")
            wheels = {(wheel.name, wheel.version) for wheel in environment.pypi_packages_for_platform(platform) or []}
            assert {(wheel.name, wheel.version) for wheel in found.wheels} == wheels
            count += len(expected)
    return count


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.pixi.lock")), ids=lambda path: path.name)
def test_what_is_read_is_what_rattler_reads(path: Path) -> None:
    assert compared(path, read_text(path)) > 1


@pytest.mark.parametrize("path", real_files("pixi-lock"), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = read_text(path)
    if "custom_artifacts" in text:
        with pytest.raises(
            InvalidEnvironment, match=r"'/tmp/custom_artifacts.* is neither the URL of a package nor a file that exists"
        ):
            parse_pixi_lock(text, path.name, subdir="linux-64", folder=path.parent)
    elif "child-package" in text:
        with pytest.raises(UnsupportedInput, match="child-package is built from source"):
            parse_pixi_lock(text, path.name, subdir="win-64", folder=path.parent)
    else:
        assert compared(path, text) > 1


@settings(max_examples=200)
@given(st.data())
def test_any_damage_is_an_error_or_harmless(data: st.DataObject) -> None:
    text = example(data.draw(st.sampled_from(["v3.pixi.lock", "v6.pixi.lock"])))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 60))
    put = data.draw(st.text(alphabet="a:-[]{}\n 1/&*#'", max_size=8))
    try:
        parse_pixi_lock(text[:start] + put + text[start + length :], subdir="linux-64")
    except (InvalidEnvironment, UnsupportedInput):
        return
