"""What the demonstration makes: packages of wheels and of this Python, a base image, folders of images."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.environment.inputs.specs.environment_yml import parse_environment_yml
from conda_docker.package.archive import open_package
from conda_docker.package.metadata import PackageMetadata
from demo import containers
from demo import run as demo_run
from demo.base import base_image, shared_libraries
from demo.channel import RealChannel
from demo.conda_package import PLACEHOLDER
from demo.interpreter import SITE_PACKAGES, VERSION, NotHere, subdir
from demo.unpack import unpack
from demo.wheels import package_wheel
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.digest import Digest
from python_docker.tar import EntryType, TarEntry
from python_docker.transports import write_image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the demonstration makes packages for Linux")

METADATA = """\
Metadata-Version: 2.1
Name: Some_Thing
Version: 1.5
Requires-Python: >=3.8, <4
Requires-Dist: other-thing (>=2,<3)
Requires-Dist: never; python_version < "3"
Requires-Dist: extra-thing; extra == "more"
Summary: A thing
"""


def write_wheel(folder: Path, *, pure: bool, files: Mapping[str, str]) -> Path:
    tag = "py3-none-any" if pure else f"cp{VERSION.replace('.', '')}-abi3-manylinux_2_24_x86_64.manylinux_2_28_x86_64"
    path = folder / f"some_thing-1.5-{tag}.whl"
    info = "some_thing-1.5.dist-info"
    contents = {
        **files,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: {tag}\n",
        f"{info}/entry_points.txt": "[console_scripts]\nthing = some_thing.cli:main [more]\n[other]\nx = y\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), content)
    return path


FILES = {
    "some_thing/__init__.py": "x = 1\n",
    "some_thing-1.5.data/scripts/script": "#!python\nprint()\n",
    "some_thing-1.5.data/data/share/thing": "data",
}


@pytest.fixture
def repack(tmp_path: Path) -> Callable[..., tuple[PackageMetadata, dict[str, tuple[TarEntry, bytes]], bytes]]:
    """Return what makes a package of a wheel and gives its metadata, its payload and its bytes."""
    numbers = iter(range(100))

    def make(**wheel: Any) -> tuple[PackageMetadata, dict[str, tuple[TarEntry, bytes]], bytes]:
        stage = tmp_path / f"stage-{next(numbers)}"
        stage.mkdir()
        archive = package_wheel(write_wheel(tmp_path, **wheel), tmp_path / "channel", stage)
        package = open_package(archive)
        return (
            package.metadata,
            {entry.path: (entry, file.read()) for entry, file in package.entries()},
            archive.read_bytes(),
        )

    return make


def test_a_pure_wheel_becomes_a_noarch_package(repack: Any) -> None:
    metadata, payload, _ = repack(pure=True, files=FILES)
    assert (metadata.stem, metadata.noarch) == ("some-thing-1.5-pyhd_0", "python")
    assert metadata.index["depends"] == ["other-thing <3,>=2", "python >=3.8,<4"]
    assert [tuple(point) for point in metadata.entry_points] == [("thing", "some_thing.cli", "main")]
    assert {"site-packages/some_thing/__init__.py", "python-scripts/script", "share/thing"} < payload.keys()
    assert payload["site-packages/some_thing-1.5.dist-info/INSTALLER"][1] == b"conda\n"
    assert not [path for path in payload if path.endswith(".pyc")]


def test_another_wheel_becomes_a_package_of_this_machine(repack: Any) -> None:
    metadata, payload, _ = repack(pure=False, files=FILES)
    assert (metadata.index["subdir"], metadata.noarch) == (subdir(), None)
    assert metadata.index["depends"] == ["__glibc >=2.24,<3.0.a0", "other-thing <3,>=2", f"python {VERSION}.*"]
    modules = [path for path in payload if path.startswith(f"{SITE_PACKAGES}/some_thing/")]
    assert {Path(path).suffix for path in modules} == {".py", ".pyc"}
    for command in ("bin/thing", "bin/script"):
        entry, content = payload[command]
        assert entry.mode & 0o111
        assert content.startswith(f"#!{PLACEHOLDER}/bin/python\n".encode())
        assert next(path for path in metadata.paths if path.path == command).placeholder == PLACEHOLDER


def test_compiled_modules_are_valid_for_the_times_in_the_package(repack: Any) -> None:
    _, payload, _ = repack(pure=False, files=FILES)
    source, (compiled, content) = (
        payload[f"{SITE_PACKAGES}/some_thing/__init__.py"][0],
        next(item for path, item in payload.items() if path.endswith(".pyc")),
    )
    # PEP 552: flags, then the source's time and size
    assert content[4:16] == bytes(4) + source.mtime.to_bytes(4, "little") + source.size.to_bytes(4, "little")
    assert compiled.mtime == source.mtime == 1714979290
    assert b"/stage-" not in content


@pytest.mark.parametrize("pure", [True, False])
def test_the_same_wheel_gives_the_same_bytes(pure: bool, repack: Any) -> None:
    assert repack(pure=pure, files=FILES)[2] == repack(pure=pure, files=FILES)[2]


def test_a_wheel_may_not_leave_its_folder(repack: Any) -> None:
    with pytest.raises(ValueError, match="leads out of the wheel"):
        repack(pure=True, files={"../evil": "x"})


def test_the_channel_holds_this_python(real_channel: RealChannel) -> None:
    python = next(path for path in real_channel.archives() if path.name.startswith("python-"))
    package = open_package(python)
    links = {entry.path: entry.link_target for entry, _ in package.entries() if entry.type is EntryType.SYMLINK}
    assert links["bin/python"] == f"python{VERSION}"
    placeholders = {path.placeholder for path in package.metadata.paths}
    assert placeholders == {None, PLACEHOLDER}
    assert not [path for path in package.metadata.paths if "site-packages" in path.path or path.path.endswith(".a")]


@pytest.mark.skipif(sys.base_prefix in ("/usr", "/usr/local"), reason="this Python shares its prefix with others")
def test_no_text_of_this_python_names_the_folder_it_came_from(real_channel: RealChannel) -> None:
    python = next(path for path in real_channel.archives() if path.name.startswith("python-"))
    texts = {
        entry.path
        for entry, file in open_package(python).entries()
        if entry.type is EntryType.FILE
        and sys.base_prefix.encode() in (content := file.read())
        and b"\0" not in content
    }
    assert texts == set()


def test_the_base_has_a_loader_and_what_the_interpreter_loads() -> None:
    libraries = shared_libraries()
    assert [path for path in libraries if Path(path).name.startswith(("ld-linux", "ld64"))]
    assert "libc.so.6" in {Path(path).name for path in libraries}
    assert not [path for path in libraries if "python" in path]


def test_the_base_runs(tmp_path: Path, bwrap: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    root = tmp_path / "root"
    unpack(base_image(), root)
    assert bwrap(root, "sh", "-c", "cat /etc/os-release | head -n 1").stdout == "ID=conda-docker-demo\n"


def layer(*entries: TarEntry) -> Layer:
    with build_layer() as builder:
        for entry in entries:
            builder.add(entry, bytes(entry.size))
    assert builder.layer is not None
    return builder.layer


def unpacked(tmp_path: Path, *layers: Layer) -> Path:
    root = tmp_path / "root"
    unpack(Image("test", layers=layers[::-1]), root)
    return root


def test_upper_layers_win(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        layer(TarEntry("a", size=1), TarEntry("b/c", size=1), TarEntry("d/e", size=1), TarEntry("gone", size=1)),
        layer(TarEntry("a/x", size=2), TarEntry("b", EntryType.SYMLINK, link_target="d"), TarEntry(".wh.gone")),
    )
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*")) == ["a", "a/x", "b", "d", "d/e"]
    assert (root / "b").readlink() == Path("d")


def test_links_between_files_stay(tmp_path: Path) -> None:
    entries = (TarEntry("bin/a", mode=0o755, size=3), TarEntry("b", EntryType.HARDLINK, link_target="bin/a"))
    root = unpacked(tmp_path, layer(*entries))
    assert (root / "b").samefile(root / "bin/a")
    assert (root / "b").stat().st_mode & 0o777 == 0o755


def test_nothing_gets_out_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("link/evil"))
        tar.addfile(tarfile.TarInfo("../evil"))
    blob = Blob.from_bytes(buffer.getvalue(), "application/vnd.oci.image.layer.v1.tar")
    root = unpacked(tmp_path, Layer(blob, Digest.of(buffer.getvalue())))
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "root"]
    # A link leads within the image, whatever it says, as it does in a container.
    assert (root / f"{outside}/evil".lstrip("/")).is_file()
    assert (root / "evil").is_file()


def test_a_runtime_that_is_not_there_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    archive = containers.Archive(tmp_path / "demo.tar", "demo", tmp_path)
    with pytest.raises(containers.Unavailable, match="podman is not installed"):
        containers.run_with_podman(archive, ["true"])


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the log of a podman whose command in the file `fails` fails."""
    (tmp_path / "podman").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/log\n'
        f'[ "$1" = "$(cat {tmp_path}/fails)" ] && echo "no such luck" >&2 && exit 3\n'
        '[ "$1" = run ] && echo hello\nexit 0\n'
    )
    (tmp_path / "podman").chmod(0o755)
    (tmp_path / "fails").write_text("nothing")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "log"


def test_an_engine_does_not_keep_the_image(podman: Path, tmp_path: Path) -> None:
    archive = containers.Archive(tmp_path / "demo.tar", "demo", tmp_path)
    assert containers.run_with_podman(archive, ["true"]) == "hello\n"
    assert [line.split()[0] for line in podman.read_text().splitlines()] == ["info", "load", "run", "rmi"]


def test_an_engine_that_fails_does_not_keep_the_image_either(podman: Path, tmp_path: Path) -> None:
    (tmp_path / "fails").write_text("run")
    with pytest.raises(subprocess.CalledProcessError):
        containers.run_with_podman(containers.Archive(tmp_path / "demo.tar", "demo", tmp_path), ["true"])
    assert podman.read_text().splitlines()[-1] == "rmi --force demo"


def test_a_podman_that_can_make_no_container_here_is_unavailable(podman: Path, tmp_path: Path) -> None:
    program = podman.parent / "podman"
    program.write_text(
        '#!/bin/sh\n[ "$1" != run ] || { echo "Error: crun: setrlimit RLIMIT_NOFILE: not permitted" >&2; exit 126; }\n'
    )
    archive = containers.Archive(tmp_path / "demo.tar", "demo", tmp_path)
    with pytest.raises(containers.Unavailable, match="setrlimit"):
        containers.run_with_podman(archive, ["true"])


def test_a_command_in_bubblewrap_has_a_home(tmp_path: Path) -> None:
    write_image(base_image(), f"docker-archive:{tmp_path / 'demo.tar'}")
    archive = containers.Archive(tmp_path / "demo.tar", "demo", tmp_path)
    try:
        assert containers.run_with_bwrap(archive, ["sh", "-c", "cd ~ && pwd"]) == "/root\n"
    except containers.Unavailable as reason:
        pytest.skip(str(reason))


def test_a_podman_that_does_not_work_here_is_not_used(podman: Path, tmp_path: Path) -> None:
    (tmp_path / "fails").write_text("info")
    with pytest.raises(containers.Unavailable, match="no such luck"):
        containers.run_with_podman(containers.Archive(tmp_path / "demo.tar", "demo", tmp_path), ["true"])
    assert podman.read_text().splitlines() == ["info"]


def test_the_environment_file_has_packages_of_both_kinds() -> None:
    spec = parse_environment_yml(demo_run.environment_file("file:///channel", ("numpy", "flask")))
    assert spec.specs == ("python", "numpy", "flask")
    assert spec.channels == ("file:///channel", "nodefaults")
    assert spec.pip is not None
    assert spec.pip.requirements == demo_run.PIP


def test_the_cache_of_an_earlier_demonstration_is_removed(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache")
    cache.write_note(NoteKind.LAYERS, "ab" * 32, b"known")
    output = tmp_path / "demo.tar"
    write_image(base_image(), f"docker-archive:{output}:demo:1")
    demo_run.clear(cache.root, {"demo:1": output})
    assert not cache.root.exists()
    assert output.exists()


@pytest.mark.parametrize("name", ["demo.tar", "cache"])
def test_what_the_demonstration_has_not_made_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / name / "thesis").mkdir(parents=True)
    with pytest.raises(NotHere, match=rf"{name} is not .* move it somewhere else"):
        demo_run.clear(tmp_path / "cache", {"demo:1": tmp_path / "demo.tar"})
    assert (tmp_path / name / "thesis").is_dir()


def test_an_image_of_another_name_is_left_alone(tmp_path: Path) -> None:
    write_image(base_image(), f"docker-archive:{tmp_path / 'demo.tar'}:mine:1")
    with pytest.raises(NotHere, match=r"demo\.tar is not from an earlier demonstration"):
        demo_run.clear(tmp_path / "cache", {"demo:1": tmp_path / "demo.tar"})


def test_a_runtime_that_fails_is_a_failure_although_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(archive: containers.Archive, command: object) -> str:
        raise subprocess.CalledProcessError(1, ["podman", "run"], stderr="cannot mount /proc")

    runtimes = {"docker": lambda archive, command: "works", "podman": fail}
    monkeypatch.setattr(demo_run, "RUNTIMES", runtimes)
    example = demo_run.Example("demo:1", tmp_path / "demo.tar", (), ("true",))
    assert demo_run.run_everywhere(example) == 1
    printed = capsys.readouterr().out
    assert "podman: FAILED: podman run ...: cannot mount /proc" in printed
    assert "podman could not run the image" in printed
