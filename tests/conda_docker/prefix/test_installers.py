"""An environment as micromamba, mambaforge and pixi leave it: the same packages, and nothing taken for an edit.

rattler, with which pixi installs, makes it. What others write otherwise is rewritten as their sources have it:
`finalize` of libmamba (core/link.cpp), `History::add_entry`, pixi's `conda-meta/pixi`.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rattler

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.channels.rattler_engine import run
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.prefix.folder import is_development
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.conftest import Run
from tests.conda_docker.packages import Symlink
from tests.peers import availability

LONG = "/build/" + "placehold_" * 24
SITE = "lib/python3.12/site-packages"


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    synthetic_channel.add(
        SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"", mode=0o755)}),
        SyntheticPackage(
            name="tool",
            depends=["pure"],
            files={
                "bin/tool": File(f"#!{LONG}/bin/sh\n".encode(), mode=0o755, placeholder=LONG),
                "lib/libtool.so.1": File(
                    b"\x7fELF\0" + f"{LONG}/lib".encode() + b"\0", placeholder=LONG, file_mode="binary"
                ),
                "lib/libtool.so": Symlink("libtool.so.1"),
                "lib/folder": Symlink("../share"),
                "lib/dangling": Symlink("nowhere"),
                "share/tool.txt": "text\n",
            },
        ),
        SyntheticPackage(
            name="pure",
            noarch="python",
            depends=["python"],
            files={"site-packages/pure/__init__.py": "def main(): pass\n"},
            entry_points=["pure = pure:main"],
        ),
    )
    return synthetic_channel


@pytest.fixture
def install(channel: SyntheticChannel, tmp_path: Path) -> Callable[[Path], Path]:
    """Return a function that has rattler make the environment in a folder."""

    def make(prefix: Path) -> Path:
        records = run(lambda: rattler.solve([channel.url], ["tool"], platforms=["linux-64", "noarch"]))
        run(lambda: rattler.install(records, prefix, cache_dir=tmp_path / "rattler", show_progress=False))
        return prefix

    return make


@pytest.fixture
def expected(channel: SyntheticChannel, tmp_path: Path) -> list[str]:
    """Return the digests of the packages' layers, as a build from the channel has them."""
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER)
    request = Request(specs=["tool"], channels=[channel.url], override_channels=True, base="scratch", options=options)
    [resolved] = resolve(request)
    return sorted(layer.digest for layer in build_image(resolved.environment, None, options).layers[:-1])


def build(prefix: Path, cache: Path) -> BuildResult:
    options = BuildOptions(cache_dir=cache, bytecode=Bytecode.NEVER)
    [resolved] = resolve(Request(prefix=prefix, base="scratch", options=options))
    return build_image(resolved.environment, resolved.base, options)


def rewrite_records(prefix: Path, cache: Path) -> None:
    """Rewrite the records of a prefix as libmamba writes them."""
    for file in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(file.read_text())
        for name in ("requested_specs", "requested_spec", "python_site_packages_path", "package_tarball_full_path"):
            record.pop(name, None)
        source = str(cache / file.stem)
        record["paths_data"]["paths"] = [_row(prefix, row) for row in record["paths_data"]["paths"]]
        record |= {
            "requested_spec": "tool" if record["name"] == "tool" else "",
            "package_tarball_full_path": f"{source}.tar.bz2",
            "extracted_package_dir": source,
            "link": {"source": source, "type": 1},
            "channel": f"{record['url'].rpartition('/')[0]}",
        }
        file.write_text(json.dumps(record, indent=4))


def _row(prefix: Path, row: dict[str, Any]) -> dict[str, Any]:
    path = prefix / row["_path"]
    if row["path_type"] in ("pyc_file", "unix_python_entry_point"):
        return {"_path": row["_path"], "path_type": row["path_type"]}
    kept = {name: row[name] for name in ("_path", "path_type", "sha256", "size_in_bytes") if row.get(name)}
    # Of a link it is that of the file that it leads to, or of nothing.
    content = path.read_bytes() if path.is_file() else b""
    return kept | {"sha256_in_prefix": hashlib.sha256(content).hexdigest()}


def write_history(prefix: Path, program: str) -> None:
    names = sorted(file.stem for file in (prefix / "conda-meta").glob("*.json"))
    lines = ["==> 2026-03-01 10:00:00 <==", f"# cmd: {program} create -n work tool", "# conda version: 3.8.0"]
    lines += [f"+https://conda.example.org/team/linux-64::{name}" for name in names]
    lines += ['# update specs: ["tool"]', "# neutered specs: []", "# remove specs: []", ""]
    (prefix / "conda-meta/history").write_text("\n".join(lines))


def micromamba(install: Callable[[Path], Path], root: Path) -> Path:
    """Make `envs/work` below a root prefix as micromamba does, its cache of packages gone."""
    prefix = install(root / "envs/work")
    rewrite_records(prefix, root / "pkgs")
    write_history(prefix, "micromamba")
    (prefix / "conda-meta/prefix_guard").touch()
    (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)
    (root / "pkgs").mkdir()
    (root / ".mambarc").write_text("channels: [https://me:secret@conda.example.org/team]\n")
    return prefix


def mambaforge(install: Callable[[Path], Path], root: Path) -> Path:
    """Make the base environment of an installer, with its cache of packages, and another environment in it."""
    prefix = install(root)
    rewrite_records(prefix, root / "pkgs")
    write_history(prefix, "constructor")
    (root / "conda-meta/initial-state.explicit.txt").write_text("@EXPLICIT\n")
    (root / "pkgs/cache").mkdir(parents=True)
    (root / "pkgs/urls.txt").write_text("https://me:secret@conda.example.org/team/linux-64/tool-1.0-0.conda\n")
    (root / "envs").mkdir()
    (root / "envs/.conda_envs_dir_test").touch()
    install(root / "envs/other")
    (root / ".condarc").write_text("channels: [https://me:secret@conda.example.org/team]\n")
    return prefix


def pixi(install: Callable[[Path], Path], root: Path) -> Path:
    """Make `.pixi/envs/default` of a workspace that is installed in place into it, as pixi does by uv."""
    prefix = install(root / ".pixi/envs/default")
    [record] = (prefix / "conda-meta").glob("tool-*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "requested_specs": ["tool"]}))
    (root / "pixi.toml").write_text('[workspace]\nchannels = []\nplatforms = ["linux-64"]\n')
    (root / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "0.1"\n')
    (root / "src").mkdir()
    (root / "src/mine.py").write_text("x = 1\n")
    (root / ".pixi/.gitignore").write_text("*\n")
    marks = {"manifest_path": str(root / "pixi.toml"), "environment_name": "default", "pixi_version": "0.60.0"}
    (prefix / "conda-meta/pixi").write_text(json.dumps(marks))
    (prefix / "conda-meta/pixi_env_prefix").write_text(str(prefix))
    (prefix / "conda-meta/.pixi-environment-fingerprint").write_text("1")
    (prefix / "conda-meta/history").write_text("// not relevant for pixi but for `conda run -p`")
    metadata = prefix / SITE / "mine-0.1.dist-info"
    metadata.mkdir(parents=True)
    (prefix / SITE / "_mine.pth").write_text(f"{root}/src\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: mine\nVersion: 0.1\n")
    (metadata / "INSTALLER").write_text("uv-pixi")
    (metadata / "direct_url.json").write_text(json.dumps({"url": root.as_uri(), "dir_info": {"editable": True}}))
    listed = ["_mine.pth,,", *(f"mine-0.1.dist-info/{name},," for name in ("METADATA", "INSTALLER", "direct_url.json"))]
    (metadata / "RECORD").write_text("\n".join([*listed, "mine-0.1.dist-info/RECORD,,", ""]))
    return prefix


@pytest.mark.parametrize("make", [micromamba, mambaforge])
def test_nothing_is_taken_for_a_change(
    make: Callable[..., Path], install: Callable[[Path], Path], expected: list[str], tmp_path: Path
) -> None:
    built = build(make(install, tmp_path / "root"), tmp_path / "cache2")
    assert sorted(layer.digest for layer in built.layers if layer.packages) == expected
    assert not [note for note in built.notes if "differ" in note or "deleted" in note or "secret" in note]
    assert not [path for path in built.image.list_files() if "envs" in path or "pkgs" in path or "mambarc" in path]
    assert built.environment is not None
    assert built.environment.requested == ("tool",)


def test_an_environment_of_pixi_with_its_workspace(
    install: Callable[[Path], Path], expected: list[str], tmp_path: Path
) -> None:
    root = tmp_path / "work"
    built = build(pixi(install, root), tmp_path / "cache2")
    assert sorted(layer.digest for layer in built.layers if layer.packages) == expected
    paths = {path.removeprefix("opt/conda/") for path in built.image.list_files()}
    assert {"src/mine/src/mine.py", "src/mine/pixi.toml", f"{SITE}/_mine.pth"} <= paths
    assert not [path for path in paths if ".pixi" in path or path.startswith("conda-meta/pixi")]
    link = f"opt/conda/{SITE}/_mine.pth"
    found = [content.read() for layer in built.image.layers for entry, content in layer.entries() if entry.path == link]
    assert found == [b"/opt/conda/src/mine/src\n"]
    assert built.environment is not None
    assert built.environment.requested == ("tool",)
    assert is_development(".pixi")


@pytest.mark.parametrize("make", [micromamba, mambaforge])
def test_an_edit_is_seen(make: Callable[..., Path], install: Callable[[Path], Path], tmp_path: Path) -> None:
    prefix = make(install, tmp_path / "root")
    with (prefix / "lib/libtool.so.1").open("ab") as file:
        file.write(b"edited")
    (prefix / "bin/tool").unlink()
    notes = "\n".join(build(prefix, tmp_path / "cache2").notes)
    assert "differs from its package" in notes or "differ from their packages" in notes
    assert "lib/libtool.so.1" in notes
    assert "deleted, as they are missing from the environment: bin/tool" in notes


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Return a function that makes a folder read-only, also for root."""
    availability.require("unshare")
    mounted: list[Path] = []

    def protect(folder: Path) -> None:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        mounted.append(folder)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)

    yield protect
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.peer("unshare")
@pytest.mark.parametrize("make", [micromamba, mambaforge, pixi])
def test_a_shared_installation_is_only_read(
    make: Callable[..., Path],
    install: Callable[[Path], Path],
    read_only: Callable[[Path], None],
    program: Run,
    tmp_path: Path,
) -> None:
    prefix = make(install, tmp_path / "root")
    read_only(tmp_path / "root")
    with pytest.raises(OSError, match="Read-only"):
        (prefix / "x").touch()
    ended = program("build", "-p", prefix, "-b", "scratch", "-o", "image.tar", "--bytecode", "never")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "image.tar").is_file()
