"""What cannot be built: one clear line, the right exit code, nothing half-written."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import Entry, File, HardLink, Symlink, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.conda_docker.conftest import Run
from tests.conda_docker.exit_codes import FAILURES
from tests.images import hello_config, layer_tar, write_oci_layout
from tests.peers.availability import require
from tests.python_docker.registry.certificates import self_signed

Result = subprocess.CompletedProcess[str]
Build = Callable[..., Result]
Serve = Callable[..., ChannelServer]

LONG = "/build/" + "placehold_" * 24
TOP = SyntheticPackage(name="top", depends=("base",), files={"bin/top": File(b"top", mode=0o755)})
BASE = SyntheticPackage(name="base", files={"share/base": b"base" * 1000})
OTHER = SyntheticPackage(name="other", depends=("base >=2",))
HERE = ("--platform", "linux/amd64")


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel with `top`, `base` and `other`, which cannot be installed."""
    synthetic_channel.add(TOP, BASE, OTHER)
    return synthetic_channel


@pytest.fixture
def build(program: Run, channel: SyntheticChannel, tmp_path: Path) -> Build:
    """Return a function that builds into the folder `out`, which it must leave as it was where it fails."""
    out = tmp_path / "out"
    out.mkdir()

    def run(
        *args: str, url: str | None = None, base: str = "scratch", output: str = "out/demo.tar", **options: object
    ) -> Result:
        here = () if "--platform" in args else HERE
        chosen = ("-b", base, "-c", url or channel.url, "--override-channels", *here)
        return program("build", *chosen, "-o", output, *args, **options)

    return run


@pytest.fixture
def serve(channel: SyntheticChannel) -> Iterator[Serve]:
    """Return a function that serves the channel's folder over HTTP."""
    running: list[ChannelServer] = []

    def start(context: object = None, **options: object) -> ChannelServer:
        running.append(ChannelServer(channel.folder, **options).start(context))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return a loopback address that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def refused(result: Result, *words: str, code: int | None = None) -> None:
    """Check that a build failed with one error, which says all the `words`; with `code`, if that is given."""
    print(result.stderr)
    assert result.returncode in (FAILURES if code is None else {code}), result.stderr
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if "error" in line.lower().split(":")[0]]
    assert len(errors) == 1, result.stderr
    assert errors[0].startswith("error: ")
    for word in ("Traceback", "unexpected", "should not happen"):
        assert word not in result.stderr
    message = result.stderr[result.stderr.index("error: ") :]
    assert [word for word in words if word not in message] == []


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# -- the solver ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        (["nothing-of-that-name"], ["nothing-of-that-name", "channels searched"]),
        (["top", "base=2"], ["base", "2"]),
        (["other"], ["other", "base >=2"]),
        (["top", "missing::base"], ["missing"]),
    ],
)
def test_what_cannot_be_solved(specs: list[str], words: list[str], build: Build, tmp_path: Path) -> None:
    refused(build(*specs), *words)
    assert left(tmp_path / "out") == []


def test_a_spec_that_nobody_can_read(build: Build, tmp_path: Path) -> None:
    refused(build("top ==="), "top ===", code=2)
    assert left(tmp_path / "out") == []


# -- channels ------------------------------------------------------------------------------------------------------


def test_no_such_folder(build: Build, tmp_path: Path) -> None:
    refused(build("top", url=(tmp_path / "missing").as_uri()), "missing")
    refused(build("top", url=str(tmp_path / "missing")), "missing")
    assert left(tmp_path / "out") == []


def test_a_server_without_such_a_channel(build: Build, serve: Serve) -> None:
    url = f"{serve().url}/missing"
    refused(build("top", url=url), f"there is no channel at {url}", "404")


def test_a_server_that_nobody_trusts(build: Build, serve: Serve, tmp_path: Path) -> None:
    server = serve(self_signed(tmp_path / "tls").server_context())
    refused(build("top", url=server.url), "no secure connection", server.url)


def test_a_refused_connection(build: Build, nobody: str) -> None:
    refused(build("top", url=f"http://{nobody}/channel"), f"http://{nobody}/channel", "cannot be reached", "--offline")


def test_a_server_that_fails(build: Build, serve: Serve) -> None:
    answers = {end: Answer(500) for end in ("repodata.json", "repodata.json.zst", "repodata_shards.msgpack.zst")}
    refused(build("top", url=serve(answers=answers).url), "500")


def test_an_index_that_is_none(build: Build, channel: SyntheticChannel) -> None:
    (channel.folder / "linux-64/repodata.json").write_text("<html>")
    refused(build("top"), "the index of a channel")


def test_offline_without_what_it_takes(build: Build, serve: Serve, nobody: str, tmp_path: Path) -> None:
    server = serve()
    refused(build("--offline", "top", url=server.url), "without --offline")
    assert server.requests == []
    refused(build("--offline", "top", base=f"{nobody}/image"), "offline")
    assert left(tmp_path / "out") == []


def test_a_package_that_is_not_here_while_offline(build: Build, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    assert build("base", url=server.url).returncode == 0
    (tmp_path / "out/demo.tar").unlink()
    server.requests.clear()
    refused(build("--offline", "top", url=server.url), "top-1.0-0.conda", "offline")
    assert server.requests == []
    assert left(tmp_path / "out") == []


def test_offline_with_all_it_takes(build: Build, serve: Serve) -> None:
    server = serve()
    assert build("top", url=server.url).returncode == 0
    server.stop()
    assert build("--offline", "top", url=server.url).returncode == 0


# -- packages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", ["file", "http"])
def test_another_sha256_than_the_index_says(
    medium: str, build: Build, channel: SyntheticChannel, serve: Serve, tmp_path: Path
) -> None:
    channel.patch(BASE, sha256="0" * 64)
    url = channel.url if medium == "file" else serve().url
    refused(build("top", url=url), "base-1.0-0.conda", "0" * 64)
    assert left(tmp_path / "out") == []
    assert not list(tmp_path.glob("cache/packages/*base-1.0*"))


def test_a_package_that_the_server_has_not(build: Build, serve: Serve) -> None:
    refused(build("top", url=serve(answers={"base-1.0-0.conda": Answer(404)}).url), "base-1.0-0.conda", "404")


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_truncated(suffix: str, build: Build, channel: SyntheticChannel, tmp_path: Path) -> None:
    package = SyntheticPackage(name="cut", files={"share/cut": bytes(range(256)) * 4000})
    channel.add(package, suffix=suffix)
    path = channel.path(package, suffix)
    content = path.read_bytes()[:-600]
    path.write_bytes(content)
    channel.patch(package, suffix, sha256=hashlib.sha256(content).hexdigest(), md5=None, size=len(content))
    refused(build("cut"), package.file_name(suffix))
    assert left(tmp_path / "out") == []


def device(path: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path)
    member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
    return member, b""


HOSTILE: dict[str, dict[str, Entry | bytes | str]] = {
    "absolute": {"/etc/evil": b"evil"},
    "above": {"../../evil": b"evil"},
    "above, hidden": {"lib/../../evil": b"evil"},
    "below a link": {"lib": Symlink("/etc"), "lib/evil": b"evil"},
    "below a link that climbs": {"share/out": Symlink("../../.."), "share/out/evil": b"evil"},
    "hard link": {"evil": HardLink("/etc/passwd")},
    "hard link above": {"evil": HardLink("../../etc/passwd")},
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_paths_that_leave_the_prefix(
    kind: str, suffix: str, build: Build, channel: SyntheticChannel, tmp_path: Path
) -> None:
    package = SyntheticPackage(name="hostile", files=HOSTILE[kind])
    channel.add(package, suffix=suffix)
    refused(build("hostile"), f"hostile-1.0-0{suffix}")
    assert left(tmp_path / "out") == []


def test_a_device(build: Build, channel: SyntheticChannel) -> None:
    listed = ({"_path": "dev/null", "path_type": "hardlink"},)
    channel.add(SyntheticPackage(name="hostile", more_members=(device("dev/null"),), listed=listed))
    refused(build("hostile"), "hostile-1.0-0.conda", "character device", "dev/null")


def test_a_prefix_that_no_binary_has_room_for(build: Build, channel: SyntheticChannel, tmp_path: Path) -> None:
    binary = File(b"\x7fELF" + LONG.encode() + b"/lib\0", mode=0o755, placeholder=LONG, file_mode="binary")
    channel.add(SyntheticPackage(name="binary", files={"bin/binary": binary}))
    refused(build("--prefix-in-image", "/" + "p" * 300, "binary"), "binary-1.0-0.conda", "bin/binary", "/pppp")
    assert left(tmp_path / "out") == []


@pytest.mark.parametrize(
    "info",
    [
        {"index.json": b"{"},
        {"index.json": None},
        {"paths.json": b"[" * 100_000},
        {"paths.json": b'{"paths": 3}'},
        {"index.json": b'{"name": "../../x", "version": "1", "build": "0"}'},
    ],
)
def test_damaged_metadata(info: dict[str, bytes | None], build: Build, channel: SyntheticChannel) -> None:
    honest = SyntheticPackage(name="odd", files={"bin/a": b"a"})
    channel.add(honest)
    path = SyntheticPackage(name="odd", files={"bin/a": b"a"}, info=info).write(channel.folder / "linux-64")
    content = path.read_bytes()
    channel.patch(honest, sha256=hashlib.sha256(content).hexdigest(), md5=None, size=len(content))
    refused(build("odd"), "odd-1.0-0.conda")


# -- base images ---------------------------------------------------------------------------------------------------


def test_a_base_for_another_platform(build: Build, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "base", [layer_tar({"etc/greeting": b"hello"})], runtime=hello_config())
    refused(build("--platform", "linux/s390x", "top", base="oci:base"), "oci:base", "linux/s390x")
    assert left(tmp_path / "out") == []


def test_no_base(build: Build, nobody: str, tmp_path: Path) -> None:
    refused(build("top", base="oci:missing"), "missing")
    refused(build("top", base="missing.tar"), "missing.tar")
    refused(build("top", base=f"{nobody}/image:1"), nobody)
    assert left(tmp_path / "out") == []


def test_no_base_in_a_registry(build: Build, registry: object) -> None:
    refused(build("top", base=f"{registry.host}/missing/image:1"), "missing/image:1")  # type: ignore[attr-defined]


def test_a_damaged_base(build: Build, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "base", [layer_tar({"etc/greeting": b"hello"})], runtime=hello_config())
    for blob in (tmp_path / "base/blobs/sha256").iterdir():
        content = blob.read_bytes()
        blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(build("top", base="oci:base"), "sha256:")
    assert left(tmp_path / "out") == []


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("dependencies:\n  - top\n  - pip:\n    - requests\n", ["pip"]),
        ("dependencies: [top\n", ["environment.yml"]),
        ("- top\n", ["environment.yml"]),
        ("", ["environment.yml"]),
        ("dependencies:\n  - top\n  - npm:\n    - left-pad\n", ["npm"]),
        ("dependencies:\n  - 7\n", ["environment.yml"]),
        ("a: &a [*a]\n", ["environment.yml"]),
        ("\0\1\2", ["environment.yml"]),
    ],
)
def test_environment_files(content: str, words: list[str], build: Build, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text(content)
    refused(build("-f", "environment.yml"), *words)
    assert left(tmp_path / "out") == []


@pytest.mark.parametrize("line", ["nonsense", "https://host.invalid/noarch/package.zip", "file:///a-1.0-0.conda#xyz"])
def test_explicit_files(line: str, build: Build, tmp_path: Path) -> None:
    (tmp_path / "explicit.txt").write_text(f"@EXPLICIT\n{line}\n")
    refused(build("-f", "explicit.txt"), "explicit.txt", "line 2")


def test_no_such_environment(build: Build, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    refused(build("-f", "missing.yml"), "missing.yml")
    refused(build("-f", "folder"), "folder")
    refused(build("-p", "folder"), "folder")
    refused(build("-p", "file"), "file is not a conda environment")
    refused(build("-n", "missing"), "missing")


# -- places --------------------------------------------------------------------------------------------------------


def test_no_folder_for_the_output(build: Build, tmp_path: Path) -> None:
    refused(build("top", output="missing/demo.tar"), "missing")
    assert not (tmp_path / "missing").exists()


def test_a_failed_build_leaves_the_last_output_as_it_was(
    build: Build, channel: SyntheticChannel, tmp_path: Path
) -> None:
    for output in ("out/demo.tar", "oci:out/layout", "oci-archive:out/archive.tar"):
        assert build("base", output=output).returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    channel.patch(TOP, sha256="0" * 64)
    for output in ("out/demo.tar", "oci:out/layout", "oci-archive:out/archive.tar"):
        refused(build("top", output=output), "top-1.0-0.conda")
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_file_in_the_place_of_the_cache(build: Build, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(build("--cache-dir", "file", "top", url=serve().url), "file", "--cache-dir")
    assert (tmp_path / "file").read_text() == "x"
    assert left(tmp_path / "out") == []


class Mounted:
    """Runs the program where a folder is a file system of its own, which is seen by it alone and gone after it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._unshare = require("unshare")
        self._folder = folder
        self._environment = environment

    def __call__(self, target: str, options: str, *args: str) -> tuple[Result, list[str]]:
        """Run with a tmpfs at `target`, and give the result and what is in that folder at its end."""
        (self._folder / target).mkdir(exist_ok=True)
        script = (
            'mount -t tmpfs -o "$1" none "$2"; where=$2; shift 2; "$@"; code=$?; find "$where" >listing; exit $code'
        )
        program: list[str] = [
            str(Path(sys.executable).with_name("conda-docker")),
            "build",
            "-b",
            "scratch",
            *HERE,
            *args,
        ]
        command: list[str | Path] = [
            self._unshare,
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            options,
            str(self._folder / target),
            *program,
        ]
        result = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=120, check=False
        )
        listing = (self._folder / "listing").read_text().split()
        return result, [path for path in listing if path != str(self._folder / target)]


@pytest.fixture
def mounted(tmp_path: Path, environment: dict[str, str]) -> Mounted:
    """Return what runs the program beside a small or a read-only file system."""
    return Mounted(tmp_path, environment)


@pytest.fixture
def big(channel: SyntheticChannel) -> SyntheticPackage:
    """Return a package of 4 MB in the channel."""
    content = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(130_000))
    package = SyntheticPackage(name="big", files={"share/big": content})
    channel.add(package)
    return package


@pytest.mark.peer("unshare")
def test_a_cache_that_can_only_be_read(
    mounted: Mounted, channel: SyntheticChannel, serve: Serve, tmp_path: Path
) -> None:
    for url in (channel.url, serve().url):
        result, found = mounted("ro", "ro", "-c", url, "--override-channels", "--cache-dir", "ro", "-o", "x.tar", "top")
        refused(result, "ro", "--cache-dir", "Read-only")
        assert found == []
    assert not list(tmp_path.glob("*x.tar*"))


@pytest.mark.peer("unshare")
def test_a_full_cache(
    mounted: Mounted, big: SyntheticPackage, channel: SyntheticChannel, serve: Serve, tmp_path: Path
) -> None:
    for url in (channel.url, serve().url):
        args = ("-c", url, "--override-channels", "--cache-dir", "small", "-o", "x.tar", "big")
        result, found = mounted("small", "size=2m", *args)
        refused(result, "small", "--cache-dir", "No space left")
        assert [path for path in found if Path(path).is_file()] == []
        assert not [path for path in found if "partial" in path]
    assert not list(tmp_path.glob("*x.tar*"))


@pytest.mark.peer("unshare")
@pytest.mark.parametrize("output", ["small/demo.tar", "oci:small/layout", "oci-archive:small/demo.tar"])
def test_a_full_disk_at_the_output(
    output: str, mounted: Mounted, big: SyntheticPackage, channel: SyntheticChannel
) -> None:
    args = ("-c", channel.url, "--override-channels", "-o", output, "big")
    result, found = mounted("small", "size=2m", *args)
    refused(result, "small/", "No space left")
    assert found == []


# -- wrong usage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["top"], "--load"),
        (["-o", "x.tar"], "packages"),
        (["-o", "x.tar", "-f", "a.yml", "-n", "a"], "mutually exclusive"),
        (["-o", "x.tar", "-n", "a", "-p", "b"], "mutually exclusive"),
        (["-o", "x.tar", "-n", "a", "top"], "mutually exclusive"),
        (["-o", "x.tar", "top", "--env", "A"], "--env"),
        (["-o", "x.tar", "top", "--env", "=A"], "--env"),
        (["-o", "x.tar", "top", "--label", "A"], "--label"),
        (["-o", "x.tar", "top", "--platform", "amiga/68k"], "--platform"),
        (["-o", "x.tar", "top", "--compression-level", "high"], "--compression-level"),
        (["-o", "x.tar", "top", "--compression-level", "99"], "--compression-level"),
        (["-o", "x.tar", "top", "--compression", "rar"], "--compression"),
        (["-o", "x.tar", "top", "--prefix-in-image", "opt/conda"], "--prefix-in-image"),
        (["-o", "x.tar", "top", "--prefix-in-image", "/opt/../.."], "--prefix-in-image"),
        (["-o", "x.tar", "top", "--prefix-in-image", "/"], "--prefix-in-image"),
        (["-o", "x.tar", "top", "--expose", "http"], "--expose"),
        (["-o", "x.tar", "top", "--cmd", "'"], "--cmd"),
        (["-o", "x.tar", "top", "--max-layers", "0"], "--max-layers"),
        (["-o", "rsync:x", "top"], "--output"),
        (["-o", "x.tar", "top", "--no-such-option"], "--no-such-option"),
        (["-o", "x.tar", "top", "-i", "UPPER"], "--image"),
    ],
)
def test_wrong_usage(args: list[str], word: str, program: Run, tmp_path: Path) -> None:
    refused(program("build", *args), word, "Try 'conda-docker build --help'.", code=2)
    assert not list(tmp_path.glob("*x.tar*"))


def test_what_a_file_holds_that_nobody_knows_is_told_once(build: Build, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies:\n  - top\nfoo: bar\n")
    result = build("-f", "environment.yml")
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if "'foo'" in line] == [
        "note: environment.yml: 'foo' is not known and was ignored"
    ]
