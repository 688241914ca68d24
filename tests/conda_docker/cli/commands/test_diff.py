"""`conda-docker diff`, held against what other programs copy and what files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.images import write_oci_layout
from tests.peers import Program


def package(name: str, version: str, content: str = "") -> SyntheticPackage:
    return SyntheticPackage(name=name, version=version, noarch="generic", files={f"share/{name}": content or version})


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    synthetic_channel.add(
        package("same", "1.0", "x" * 5000),
        package("changed", "1.0"),
        package("changed", "2.0"),
        package("gone", "1.0"),
        package("added", "1.0"),
    )
    return synthetic_channel


@pytest.fixture
def images(conda_docker: Run, channel: SyntheticChannel) -> tuple[str, str]:
    """Build two images and lock the same two environments; gives the images' places."""
    for name, specs in (("a", ["same", "changed=1", "gone"]), ("b", ["same", "changed=2", "added"])):
        options = ["-b", "scratch", "-c", channel.url, "--override-channels", *specs]
        for done in (
            conda_docker("build", "-o", f"oci:{name}:v1", *options),
            conda_docker("lock", "-o", f"{name}.lock", *options),
        ):
            assert done.returncode == 0, done.stderr
    return "oci:a:v1", "oci:b:v1"


def report(run: Run, *args: str) -> dict[str, Any]:
    done = run("diff", "--json", *args)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    [of_platform] = found["platforms"]
    return dict(of_platform)


def names(found: dict[str, Any]) -> dict[str, list[str]]:
    return {
        "added": [each["name"] for each in found["added"]],
        "removed": [each["name"] for each in found["removed"]],
        "changed": [f"{each['before']['version']}->{each['after']['version']}" for each in found["changed"]],
    }


EXPECTED = {"added": ["added"], "removed": ["gone"], "changed": ["1.0->2.0"]}


def test_images_and_locks_differ_in_the_same(conda_docker: Run, images: tuple[str, str]) -> None:
    of_images, of_locks = report(conda_docker, *images), report(conda_docker, "a.lock", "b.lock")
    assert names(of_images) == names(of_locks) == EXPECTED
    assert of_images["same"] == of_locks["same"] == 1
    assert of_locks["layers"] is None
    assert names(report(conda_docker, "a.lock", images[1])) == EXPECTED


def test_it_downloads_what_skopeo_copies(
    conda_docker: Run, images: tuple[str, str], tmp_path: Path, skopeo: Program
) -> None:
    def size() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "machine/blobs/sha256").iterdir())

    first, second = (f"oci:{tmp_path}/{image.removeprefix('oci:')}" for image in images)
    skopeo("copy", first, f"oci:{tmp_path}/machine:a")
    before = size()
    skopeo("copy", second, f"oci:{tmp_path}/machine:b")
    layers = report(conda_docker, *images)["layers"]
    assert layers["download"] == size() - before
    assert [layer["packages"] for layer in layers["shared"]] == [["same"]]
    assert sorted(name for layer in layers["new"] for name in layer["packages"]) == ["added", "changed"]


def test_an_image_and_itself(conda_docker: Run, images: tuple[str, str]) -> None:
    done = conda_docker("diff", "--exit-code", images[0], images[0])
    assert done.returncode == 0
    assert "no package differs" in done.stdout
    assert "download for a machine that has the first: 0 B" in done.stdout
    assert conda_docker("diff", "--exit-code", *images).returncode == 1


def test_text_and_markdown(conda_docker: Run, images: tuple[str, str]) -> None:
    text = conda_docker("diff", *images).stdout.splitlines()
    assert [line.split()[:3] for line in text[1:4]] == [
        ["+", "added", "1.0"],
        ["~", "changed", "1.0"],
        ["-", "gone", "1.0"],
    ]
    assert "1.0 0 -> 2.0 0" in text[2]
    markdown = conda_docker("diff", "--markdown", *images).stdout
    assert "| changed | 1.0 0 | 2.0 0 |" in markdown
    assert "1 added, 1 removed, 1 changed, 1 the same." in markdown


def test_an_environment_file_and_an_environment(
    conda_docker: Run, channel: SyntheticChannel, images: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "environment.yml").write_text(
        f"channels: [{channel.url}, nodefaults]\ndependencies: [same, changed=1, gone]\n"
    )
    assert names(report(conda_docker, "environment.yml", images[1])) == EXPECTED
    meta = tmp_path / "env/conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    lock = json.loads((tmp_path / "a.lock").read_text())
    for record in lock["platforms"][0]["packages"]:
        (meta / f"{record['name']}.json").write_text(json.dumps(record))
    assert names(report(conda_docker, "env", images[1])) == EXPECTED


def test_an_image_of_others(conda_docker: Run, images: tuple[str, str], tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "other", LAYERS, tag="v1")
    found = report(conda_docker, "oci:other:v1", images[0])
    assert (found["added"], found["same"]) == (None, None)
    assert len(found["layers"]["new"]) == 4
    assert "packages are not compared" in conda_docker("diff", "oci:other:v1", images[0]).stdout


def test_a_file_that_is_nothing_to_compare_is_no_difference(conda_docker: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.bin").write_bytes(b"\0\1")
    found = conda_docker("diff", "--exit-code", str(tmp_path / "notes.bin"), str(tmp_path / "notes.bin"))
    assert (found.returncode, found.stdout) == (2, "")
    assert "is a file, but not an image" in found.stderr


def test_one_form_at_a_time(conda_docker: Run) -> None:
    assert conda_docker("diff", "--json", "--markdown", "a", "b").returncode == 2


@pytest.mark.parametrize(
    "name",
    ["nofile.yml", "nofile.yaml", "no.lock", "no.toml", "no.txt", "no.json", "./nofile", "../no/file", "/no/file"],
)
def test_a_missing_file_is_not_looked_for_in_a_registry(conda_docker: Run, layout: str, name: str) -> None:
    done = conda_docker("diff", layout, name)
    assert (done.returncode, done.stderr) == (4, f"error: there is no file {name}\n")


BOTH = "linux/amd64,linux/arm64"


@pytest.fixture
def several(conda_docker: Run, channel: SyntheticChannel) -> SyntheticChannel:
    """Lock and build for two platforms, of which arm64 alone gets another package: {old,new}{,.lock}."""
    for version, name in (("1.0", "old"), ("2.0", "new")):
        channel.add(SyntheticPackage(name="native", version="1.0", subdir="linux-64", files={"share/native": "1.0"}))
        channel.add(
            SyntheticPackage(name="native", version=version, subdir="linux-aarch64", files={"share/n": version})
        )
        options = ["-b", "scratch", "-c", channel.url, "--override-channels", "--platform", BOTH, "same", "native"]
        for done in (
            conda_docker("lock", "-o", f"{name}.lock", *options),
            conda_docker("build", "-o", f"oci:{name}", *options),
        ):
            assert done.returncode == 0, done.stderr
    return channel


@pytest.mark.parametrize(("old", "new"), [("old.lock", "new.lock"), ("oci:old", "oci:new"), ("old.lock", "oci:new")])
def test_every_platform_is_compared(conda_docker: Run, several: SyntheticChannel, old: str, new: str) -> None:
    done = conda_docker("diff", "--exit-code", "--json", old, new)
    found = json.loads(done.stdout)
    assert (done.returncode, found["differs"], found["only_before"], found["only_after"]) == (1, True, [], [])
    assert [(each["after_platform"], names(each)["changed"]) for each in found["platforms"]] == [
        ("linux/amd64", []),
        ("linux/arm64", ["1.0->2.0"]),
    ]
    text = conda_docker("diff", old, new).stdout
    assert text.index("linux/amd64:\nno package differs") < text.index("linux/arm64:\n~  native")
    markdown = conda_docker("diff", "--markdown", old, new).stdout
    assert markdown.index("#### linux/amd64\n\nNo package") < markdown.index("#### linux/arm64\n\n| package")
    assert conda_docker("diff", "--exit-code", "--platform", "linux/amd64", "old.lock", "new.lock").returncode == 0


def test_a_platform_of_one_side_alone_is_named(
    conda_docker: Run, several: SyntheticChannel, images: tuple[str, str]
) -> None:
    options = ["-b", "scratch", "-c", several.url, "--override-channels", "--platform", "linux/amd64"]
    assert conda_docker("lock", "-o", "one.lock", *options, "same", "native").returncode == 0
    done = conda_docker("diff", "--exit-code", "old.lock", "one.lock")
    assert (done.returncode, "not compared: linux/arm64, only in old.lock" in done.stdout) == (1, True)
    markdown = conda_docker("diff", "--markdown", "one.lock", "old.lock").stdout
    assert "Not compared: linux/arm64, only in old.lock." in markdown


@pytest.mark.parametrize("name", ["pixi.lock", "conda-lock.yml"])
def test_platforms_of_other_lock_files(conda_docker: Run, several: SyntheticChannel, name: str) -> None:
    options = ["-b", "scratch", "-c", several.url, "--override-channels", "--platform", BOTH]
    assert conda_docker("lock", "-o", name, *options, "same", "native=1").returncode == 0
    found = json.loads(conda_docker("diff", "--json", name, "new.lock").stdout)
    assert [each["after_platform"] for each in found["platforms"]] == BOTH.split(",")


def test_images_of_different_platforms(conda_docker: Run, several: SyntheticChannel) -> None:
    options = ["-b", "scratch", "-c", several.url, "--override-channels", "same"]
    for name, platform in zip(("amd", "arm"), BOTH.split(","), strict=True):
        assert conda_docker("build", "-o", f"oci:{name}", "--platform", platform, *options).returncode == 0
    done = conda_docker("diff", "oci:amd", "oci:arm")
    assert "note: oci:amd is for linux/amd64, oci:arm for linux/arm64" in done.stderr
    assert "oci:amd -> oci:arm (linux/amd64 -> linux/arm64)" in done.stdout


def test_a_wheel_of_the_same_version_with_other_contents(
    conda_docker: Run, tmp_path: Path, channel: SyntheticChannel
) -> None:
    channel.add(SyntheticPackage(name="python", version="3.12.1", subdir="linux-64", files={"bin/python3.12": ""}))
    options = ["-b", "scratch", "-c", channel.url, "--override-channels", "--platform", "linux/amd64"]
    assert conda_docker("lock", *options, "python").returncode == 0
    document = json.loads((tmp_path / "conda-docker.lock").read_text())
    for name, digit in (("a", "1"), ("b", "2")):
        wheel = {"name": "app", "version": "1.0", "url": "https://example.org/app-1.0-py3-none-any.whl"}
        document["platforms"][0]["wheels"] = [wheel | {"sha256": digit * 64}]
        (tmp_path / f"{name}.lock").write_text(json.dumps(document))
    done = conda_docker("diff", "--exit-code", "a.lock", "b.lock")
    assert (done.returncode, "app  1.0: same version, different contents" in done.stdout) == (1, True)
    markdown = conda_docker("diff", "--markdown", "a.lock", "b.lock").stdout
    assert "| app | 1.0 | 1.0 (same version, different contents) |" in markdown
