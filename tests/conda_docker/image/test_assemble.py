"""An environment and a base image become an image."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
from conda_docker.create import create_image
from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.inputs.lock_files.explicit import parse_explicit
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import DownloadError, InterpreterNotFound, InvalidPackage, ScriptFailed
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.link.bytecode.python_program import exact_version
from conda_docker.provenance.reading import read_environments
from conda_docker.resolution.lock import lock
from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.spec.platform import Platform
from python_docker.streams.compression import Compression
from python_docker.tar import EntryType
from python_docker.transports import write_image
from python_docker.validation import validate
from tests.conda_docker.channel import File, Symlink, SyntheticChannel, SyntheticPackage
from tests.conda_docker.link.test_programs import program
from tests.conda_docker.oracle import Installed, Rattler, Tree, differences
from tests.conda_docker.packages import Entry
from tests.conda_docker.pypi.wheels import make_wheel
from tests.peers import Program, run_in_bwrap, unpack_image

SITE = "lib/python3.12/site-packages"
LONG = "/build/" + "placehold_" * 24
PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python", mode=0o755)})
NUMPY = SyntheticPackage(
    name="numpy",
    depends=("python >=3.12",),
    files={
        "lib/python3.12/site-packages/numpy/__init__.py": b"import sys\n",
        "lib/python3.12/site-packages/numpy/core.so": File(f"{LONG}\0".encode(), placeholder=LONG, file_mode="binary"),
        "lib/libnumpy.so": Symlink("python3.12/site-packages/numpy/core.so"),
        "lib/libnumpy.a": b"static",
    },
)
FLASK = SyntheticPackage(
    name="flask",
    noarch="python",
    depends=("python", "numpy"),
    files={"site-packages/flask/__init__.py": b"def main(): ...\n", "site-packages/flask/app.js.map": b"{}"},
    entry_points=("flask = flask:main",),
)


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    synthetic_channel.add(PYTHON, NUMPY, FLASK)
    return synthetic_channel


def environment_of(channel: SyntheticChannel, *specs: str) -> LockedEnvironment:
    return lock(specs or ("flask",), channels=[channel.url], override_channels=True, platform=Platform())


def options(tmp_path: Path, **changes: object) -> BuildOptions:
    fields: dict[str, object] = {"cache_dir": tmp_path / "cache", "bytecode": Bytecode.NEVER}
    return BuildOptions(**(fields | changes))  # type: ignore[arg-type]


def names(result: BuildResult) -> list[tuple[str, ...]]:
    return [layer.packages for layer in result.layers]


def tree(image: Image, prefix: str = "opt/conda") -> Tree:
    """What a container sees below the prefix, as the oracle has it."""
    found: Tree = {}
    contents: dict[tuple[int, str], bytes] = {}
    filesystem = image.filesystem()
    for number, layer in enumerate(reversed(image.layers)):
        for entry, content in layer.entries():
            contents[number, entry.path] = content.read()
    for path in filesystem:
        if not path.startswith(f"{prefix}/"):
            continue
        member = filesystem.get(path)
        assert member is not None
        entry = member.entry
        link = entry.link_target if entry.type is EntryType.SYMLINK else ""
        data = contents[member.layer, entry.link_target if entry.type is EntryType.HARDLINK else path]
        kind = EntryType.FILE if entry.type is EntryType.HARDLINK else entry.type
        found[path.removeprefix(f"{prefix}/")] = Installed(kind, entry.mode, link, data)
    return found


def test_each_package_has_a_layer_and_the_environment_one_of_its_own(channel: SyntheticChannel, tmp_path: Path) -> None:
    result = build_image(environment_of(channel), None, options(tmp_path))
    assert names(result) == [("python",), ("numpy",), ("flask",), ()]
    assert not any(layer.cached for layer in result.layers)
    assert validate(result.image).ok


def test_a_second_build_reads_no_package(channel: SyntheticChannel, tmp_path: Path) -> None:
    environment = environment_of(channel)
    first = build_image(environment, None, options(tmp_path))
    for archive in channel.folder.glob("*/*.conda"):
        archive.unlink()
    second = build_image(environment, None, options(tmp_path))
    assert [layer.cached for layer in second.layers] == [True, True, True, False]
    assert second.image.digest == first.image.digest


@pytest.mark.parametrize("layering", list(Layering))
@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD, Compression.NONE])
def test_folders_workers_and_caches_make_no_difference(
    channel: SyntheticChannel, tmp_path: Path, layering: Layering, compression: Compression
) -> None:
    environment = environment_of(channel)
    digests = set()
    for number, workers in enumerate((1, 2, 7)):
        chosen = options(tmp_path / str(number), workers=workers, layering=layering, compression=compression)
        digests |= {build_image(environment, None, chosen).image.digest for _ in ("cold", "warm")}
    assert len(digests) == 1


def test_the_merged_file_system_is_what_rattler_installs(
    channel: SyntheticChannel, tmp_path: Path, rattler: Rattler
) -> None:
    archives = sorted(channel.folder.glob("*/*.conda"))
    installed, _ = rattler.install(archives)
    result = build_image(environment_of(channel), None, options(tmp_path))
    built = tree(result.image)
    del built["conda-meta/history"]
    assert differences(installed, {path: without_origin(path, item) for path, item in built.items()}) == []


def without_origin(path: str, item: Installed) -> Installed:
    """A record without what rattler cannot know of a package that it is given as a file."""
    if not path.startswith("conda-meta/"):
        return item
    fields = {name: value for name, value in json.loads(item.content).items() if name != "md5"}
    return replace(item, content=json.dumps(fields | {"channel": None}, indent=2, ensure_ascii=False).encode())


CLOBBERING = [
    SyntheticPackage(name="a", files={"share/x": "a", "share/folder/file": "a"}),
    SyntheticPackage(name="b", depends=("a",), files={"share/x": "b"}),
    SyntheticPackage(name="c", files={"share/x": "c"}),
    SyntheticPackage(name="z", depends=("c",), files={"share/y": "z", "share/x": "z"}),
]


@pytest.mark.parametrize("asked", [("a", "b", "c", "z"), ("b", "z")])
@pytest.mark.parametrize("max_layers", [2, 3, 4, 120])
@pytest.mark.parametrize("layering", list(Layering))
def test_the_last_in_topological_order_wins_a_path(
    synthetic_channel: SyntheticChannel,
    tmp_path: Path,
    rattler: Rattler,
    asked: tuple[str, ...],
    max_layers: int,
    layering: Layering,
) -> None:
    archives = synthetic_channel.add(*CLOBBERING)
    installed, _ = rattler.install(archives)
    result = build_image(
        environment_of(synthetic_channel, *asked), None, options(tmp_path, max_layers=max_layers, layering=layering)
    )
    assert len(result.layers) <= max_layers
    built = tree(result.image)
    assert built["share/x"] == installed["share/x"]
    assert built["share/folder/file"] == installed["share/folder/file"]
    again = build_image(
        environment_of(synthetic_channel, *asked), None, options(tmp_path, max_layers=max_layers, layering=layering)
    )
    assert again.image.digest == result.image.digest


@pytest.mark.skipif(os.name != "posix", reason="needs fork(2) for the reproducible compiler")
@pytest.mark.parametrize("layering", list(Layering))
def test_nothing_compiled_stays_of_a_module_that_another_package_wins(
    synthetic_channel: SyntheticChannel, tmp_path: Path, layering: Layering
) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    minor = ".".join(map(str, sys.version_info[:2]))
    module = f"lib/python{minor}/site-packages/shared.py"
    synthetic_channel.add(
        replace(PYTHON, version=version, files={f"bin/python{minor}": File(b"python", mode=0o755)}),
        SyntheticPackage(
            name="a", noarch="python", depends=("python",), files={"site-packages/shared.py": b"WINNER = 'a'\n"}
        ),
        SyntheticPackage(name="b", depends=("a",), files={module: b"WINNER = 'b'\n"}),
    )
    chosen = options(tmp_path, bytecode=Bytecode.AUTO, layering=layering)
    environment = environment_of(synthetic_channel, "b")
    result = build_image(environment, None, chosen)
    built = tree(result.image)
    assert built[module].content == b"WINNER = 'b'\n"
    assert not [path for path in built if path.endswith(".pyc")]
    listed = [path for layer in result.image.layers for path in layer.list_files()]
    assert listed.count(f"opt/conda/{module}") == 1
    for archive in synthetic_channel.folder.glob("*/*.conda"):
        archive.unlink()
    again = build_image(environment, None, chosen)
    assert all(layer.cached for layer in again.layers[:-1])
    assert again.image.digest == result.image.digest


def test_changing_one_package_changes_its_layer_and_the_last(channel: SyntheticChannel, tmp_path: Path) -> None:
    before = build_image(environment_of(channel), None, options(tmp_path))
    channel.add(replace(NUMPY, build="1", build_number=1, files={**NUMPY.files, "lib/new": b"new"}))
    after = build_image(environment_of(channel), None, options(tmp_path))
    assert names(before) == names(after)
    assert [layer.cached for layer in after.layers] == [True, False, True, False]
    same = [one.digest == other.digest for one, other in zip(before.layers, after.layers, strict=True)]
    assert same == [True, False, True, False]


def test_the_base_image_is_left_as_it_is(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image("base", "v1")
    base.add_layer_contents({"/etc/os-release": b"ID=test\n"})
    base.config["Env"].append("PATH=/usr/bin")
    before = base.digest
    image = build_image(environment_of(channel), base, options(tmp_path)).image
    assert base.digest == before
    assert image.config.environment["PATH"] == "/opt/conda/bin:/usr/bin"
    assert image.layers[-1].digest == base.layers[0].digest
    assert image.annotations["org.opencontainers.image.base.digest"] == before
    assert image.config["Labels"]["org.opencontainers.image.base.name"] == "docker.io/library/base:v1"


def test_a_base_for_another_platform_is_refused(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image(platform=Platform.parse("linux/arm64"))
    with pytest.raises(PlatformNotFound, match="linux/arm64"):
        build_image(environment_of(channel), base, options(tmp_path))


def test_a_base_with_too_many_layers_is_refused(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image()
    layer = base.add_layer_contents({"/x": b""})
    base.layers = [layer] * 119
    with pytest.raises(UnsupportedFormat, match="119 layers"):
        build_image(environment_of(channel), base, options(tmp_path))


def test_a_base_with_an_environment_keeps_it_apart(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image()
    base.config.set_variable("PATH", "/opt/conda/bin:/usr/bin")
    result = build_image(environment_of(channel), base, options(tmp_path))
    assert result.prefix == "/opt/conda/envs/app"
    assert result.image.config.environment["CONDA_DEFAULT_ENV"] == "app"
    assert any("/opt/conda" in note for note in result.notes)


def test_what_is_trimmed_on_request_is_counted(channel: SyntheticChannel, tmp_path: Path) -> None:
    result = build_image(environment_of(channel), None, options(tmp_path, trim=True))
    assert (result.trimmed_files, result.trimmed_bytes) == (2, 8)
    assert "lib/libnumpy.a" not in tree(result.image)
    kept = build_image(environment_of(channel), None, options(tmp_path))
    assert "lib/libnumpy.a" in tree(kept.image)
    assert kept.image.digest != result.image.digest


def test_what_was_asked_for_is_in_history_and_comes_back_from_any_medium(
    channel: SyntheticChannel, tmp_path: Path
) -> None:
    environment = replace(environment_of(channel), variables={"MODE": "production"})
    image = build_image(environment, None, options(tmp_path)).image
    image.name = "app"
    image.write_filename(tmp_path / "app.tar")
    [found] = read_environments(Image.from_filename(tmp_path / "app.tar")[0])
    assert [package.name for package in found.packages] == ["python", "numpy", "flask"]
    assert found.requested == ("flask",)
    assert found.variables == {"MODE": "production"}
    assert image.config.environment["MODE"] == "production"
    assert b"update specs: ['flask']" in tree(image)["conda-meta/history"].content


@pytest.mark.parametrize("cache", ["the same cache", "another cache"])
def test_an_explicit_file_rebuilds_the_same_image(channel: SyntheticChannel, tmp_path: Path, cache: str) -> None:
    image = build_image(replace(environment_of(channel), variables={"A": "1"}), None, options(tmp_path)).image
    text = read_environments(image)[0].explicit()
    environment = parse_explicit(text, "explicit.txt")
    again = build_image(environment, None, options(tmp_path if cache == "the same cache" else tmp_path / "other"))
    assert again.image.digest == image.digest


def test_an_explicit_file_gives_the_image_the_same_time(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    package = SyntheticPackage(name="timed", timestamp=1_700_000_000_000, files={"share/timed": b"timed"})
    synthetic_channel.add(package)
    options: dict[str, Any] = {
        "base": "scratch",
        "platform": "linux/amd64",
        "options": BuildOptions(cache_dir=tmp_path / "cache"),
    }
    image = create_image(["timed"], channels=[synthetic_channel.url], override_channels=True, **options)
    (tmp_path / "explicit.txt").write_text(read_environments(image)[0].explicit())
    again = create_image(file=tmp_path / "explicit.txt", **options)
    assert again.created == "2023-11-14T22:13:20Z"
    assert again.digest == image.digest


def test_a_corrected_index_changes_no_layer_of_packages(channel: SyntheticChannel, tmp_path: Path) -> None:
    before = build_image(environment_of(channel), None, options(tmp_path))
    channel.patch(NUMPY, depends=["python >=3.12", "python <4"])
    after = build_image(environment_of(channel), None, options(tmp_path / "other"))
    assert after.image.digest == before.image.digest


def test_post_link_scripts_are_named_and_activation_scripts_sourced(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    package = SyntheticPackage(
        name="gcc",
        files={
            "bin/.gcc-post-link.sh": File(b"exit 1\n", mode=0o755),
            "etc/conda/activate.d/gcc.sh": b"export CC=gcc\n",
            "etc/conda/env_vars.d/gcc.json": b'{"gcc_home": "/opt"}',
        },
    )
    synthetic_channel.add(package)
    result = build_image(environment_of(synthetic_channel, "gcc"), None, options(tmp_path))
    assert result.post_link == ("gcc",)
    assert result.image.config.environment["GCC_HOME"] == "/opt"
    assert result.image.config["Entrypoint"] == []
    base = Image()
    base.add_layer_contents({"/bin/sh": b""})
    with_shell = build_image(environment_of(synthetic_channel, "gcc"), base, options(tmp_path))
    assert with_shell.image.config["Entrypoint"] == ["/opt/conda/bin/conda-docker-entrypoint"]
    entry = tree(with_shell.image)["bin/conda-docker-entrypoint"]
    assert entry.mode == 0o755
    base = Image()
    base.add_layer_contents({"/bin/bash": b""})
    with_bash = build_image(environment_of(synthetic_channel, "gcc"), base, options(tmp_path)).image
    script = with_bash.filesystem().read("/opt/conda/bin/conda-docker-entrypoint")
    assert script.startswith(b"#!/bin/bash\n")
    never = build_image(
        environment_of(synthetic_channel, "gcc"), None, options(tmp_path, activate=Activate.NEVER)
    ).image
    assert never.config.to_json().get("Env") is None


def test_a_project_s_activation_scripts_come_after_those_of_packages(
    channel: SyntheticChannel, tmp_path: Path, runnable_base: Image
) -> None:
    channel.add(SyntheticPackage(name="tool", files={"etc/conda/activate.d/~tool.sh": b"export A=tool B=tool\n"}))
    scripts = (ActivationScript("z.sh", "export A=$A-z\n"), ActivationScript("a.sh", "export A=$A-a\n"))
    environment = replace(environment_of(channel, "tool"), scripts=scripts)
    before = build_image(replace(environment, scripts=()), runnable_base, options(tmp_path))
    result = build_image(environment, runnable_base, options(tmp_path))
    assert (result.image.config.environment["A"], result.image.config.environment["B"]) == ("tool-z-a", "tool")
    folder = "/opt/conda/etc/conda/activate.d"
    assert result.image.filesystem().read(f"{folder}/~~project-001-z.sh") == b"export A=$A-z\n"
    assert result.image.config["Entrypoint"] == ["/opt/conda/bin/conda-docker-entrypoint"]
    assert [layer.digest for layer in result.image.layers[1:]] == [layer.digest for layer in before.image.layers[1:]]
    changed = replace(environment, scripts=(ActivationScript("z.sh", "export A=other\n"),))
    again = build_image(changed, runnable_base, options(tmp_path)).image
    assert again.config.environment["A"] == "other"


def test_scripts_see_declared_variables_and_set_theirs_once(
    channel: SyntheticChannel, tmp_path: Path, runnable_base: Image, umoci: Program
) -> None:
    script = b"export A=$GIVEN/a B=script\nexport DIRS=$DIRS:$CONDA_PREFIX N=$((${N:-0} + 1))\n"
    channel.add(SyntheticPackage(name="tool", files={"etc/conda/activate.d/tool.sh": script}))
    declared = {"GIVEN": "/given", "B": "mine", "DIRS": "/given"}
    result = build_image(environment_of(channel, "tool"), runnable_base, options(tmp_path, env=declared))
    expected = {"A": "/given/a", "B": "mine", "DIRS": "/given:/opt/conda", "N": "1"}
    for variables in (result.image.config.environment, _started(result.image, umoci, tmp_path)):
        assert {name: variables[name] for name in expected} == expected


def test_no_image_depends_on_what_scripts_set_to_something_else_each_time(
    channel: SyntheticChannel, tmp_path: Path, runnable_base: Image, umoci: Program
) -> None:
    script = b"export NOW=$(date +%s) ID=$(cat /proc/sys/kernel/random/uuid) A=1\n"
    channel.add(SyntheticPackage(name="tool", files={"etc/conda/activate.d/tool.sh": script}))
    chosen = options(tmp_path, env={"ID": "mine"})
    results = [
        build_image(environment_of(channel, "tool"), runnable_base, each)
        for each in (chosen, chosen, replace(chosen, use_cache=False), replace(chosen, cache_dir=tmp_path / "other"))
    ]
    assert len({result.image.digest for result in results}) == 1
    for result in results:
        assert any("(tool.sh) set NOW to something else each time" in note for note in result.notes)
    variables = results[0].image.config.environment
    assert (variables["A"], variables["ID"], "NOW" in variables) == ("1", "mine", False)
    started = _started(results[0].image, umoci, tmp_path)
    assert (started["ID"], bool(started["NOW"])) == ("mine", True)


def _started(image: Image, umoci: Program, folder: Path) -> dict[str, str]:
    """Return the variables of a process that the image's entrypoint starts."""
    write_image(image, f"oci:{folder}/layout:latest")
    root = unpack_image(umoci, folder / "layout", "latest", folder / "bundle")
    ended = run_in_bwrap(root, *image.config["Entrypoint"], "/bin/env", env=image.config.environment)
    return dict(line.partition("=")[::2] for line in ended.stdout.splitlines())


def test_runtime_options_are_the_image_s(channel: SyntheticChannel, tmp_path: Path) -> None:
    added = tmp_path / "app.py"
    added.write_text("print()")
    chosen = options(
        tmp_path,
        env={"A": "1"},
        labels={"team": "x"},
        cmd=("python", "-V"),
        user="1000",
        workdir="/srv",
        expose=("8080",),
        add=((added, "/srv/app.py"), (added, "/srv/copy.py")),
    )
    image = build_image(environment_of(channel), None, chosen).image
    config = image.config
    assert config.environment["A"] == "1"
    assert config["Labels"]["team"] == "x"
    assert (config["Cmd"], config["User"], config["WorkingDir"]) == (["python", "-V"], "1000:1000", "/srv")
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert {"srv/app.py", "srv/copy.py"} <= set(image.layers[0].list_files())


def test_a_package_with_another_sha256_is_refused(channel: SyntheticChannel, tmp_path: Path) -> None:
    channel.patch(NUMPY, sha256="0" * 64)
    with pytest.raises(DownloadError, match="numpy"):
        build_image(environment_of(channel), None, options(tmp_path))


def test_a_damaged_package_is_named_and_leaves_no_layer(channel: SyntheticChannel, tmp_path: Path) -> None:
    environment = environment_of(channel)
    path = channel.path(NUMPY)
    path.write_bytes(path.read_bytes()[:-100])
    packages = tuple(replace(package, sha256=None, md5=None, size=None) for package in environment.packages)
    with pytest.raises((InvalidPackage, DownloadError), match="numpy"):
        build_image(replace(environment, packages=packages), None, options(tmp_path))
    assert not list((tmp_path / "cache").glob("**/.partial-*"))


def test_extracted_folders_are_read_only_where_the_user_wants_that(
    channel: SyntheticChannel, tmp_path: Path, rattler: Rattler, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(channel)
    expected = build_image(environment, None, options(tmp_path)).image.digest
    _, folders = rattler.install(sorted(channel.folder.glob("*/*.conda")))
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(folders))
    with_archives = build_image(environment, None, options(tmp_path / "archives"))
    assert with_archives.image.digest == expected
    for archive in channel.folder.glob("*/*.conda"):
        archive.unlink()
    with pytest.raises(DownloadError, match="--use-extracted reads it there"):
        build_image(environment, None, options(tmp_path / "folders"))
    without = build_image(environment, None, options(tmp_path / "folders", use_extracted=True))
    assert any("3 packages were read from unpacked folders" in note for note in without.notes)
    assert tree(without.image) == tree(with_archives.image)
    offline = build_image(environment, None, options(tmp_path / "folders", offline=True))
    assert [layer.cached for layer in offline.layers] == [True, True, True, False]
    assert offline.image.digest == without.image.digest


def test_source_date_epoch_is_the_image_s_time(
    channel: SyntheticChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(channel)
    before = build_image(environment, None, options(tmp_path))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    after = build_image(environment, None, options(tmp_path))
    assert after.image.created == "1970-01-02T00:00:00Z"
    assert [layer.digest for layer in before.layers][:-1] == [layer.digest for layer in after.layers][:-1]


@pytest.mark.skipif(os.name != "posix", reason="needs fork(2) for the reproducible compiler")
def test_noarch_modules_are_compiled_by_a_python_of_their_version(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    minor = ".".join(map(str, sys.version_info[:2]))
    python = replace(PYTHON, version=version, files={f"bin/python{minor}": File(b"python", mode=0o755)})
    flask = replace(FLASK, depends=("python",))
    synthetic_channel.add(python, flask)
    environment = environment_of(synthetic_channel)
    image = build_image(environment, None, options(tmp_path, bytecode=Bytecode.AUTO)).image
    tag = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"
    assert f"lib/python{minor}/site-packages/flask/__pycache__/__init__.{tag}.pyc" in tree(image)
    never = build_image(environment, None, options(tmp_path)).image
    assert never.digest != image.digest


HOLLOW = SyntheticPackage(name="python", version="3.99.1", files={"share/python": b"meta"})
PYPY = SyntheticPackage(name="python", version="3.9.18", build="0_73_pypy", files={"share/python": b"meta"})
MODULE = SyntheticPackage(name="m", noarch="python", depends=("python",), files={"site-packages/m.py": b"x = 1"})


@pytest.mark.parametrize(
    ("python", "reason"), [(HOLLOW, "no Python 3.99.1 is on PATH, and"), (PYPY, "is pypy")], ids=["hollow", "pypy"]
)
def test_without_an_interpreter_modules_stay_uncompiled_with_a_note(
    synthetic_channel: SyntheticChannel, tmp_path: Path, python: SyntheticPackage, reason: str
) -> None:
    synthetic_channel.add(python, MODULE)
    environment = environment_of(synthetic_channel, "m")
    result = build_image(environment, None, options(tmp_path, bytecode=Bytecode.AUTO))
    [note] = [note for note in result.notes if "not byte-compiled" in note]
    assert reason in note
    minor = python.version.rpartition(".")[0]
    assert f"lib/python{minor}/site-packages/m.py" in tree(result.image)
    again = build_image(environment, None, options(tmp_path, bytecode=Bytecode.AUTO))
    assert all(layer.cached for layer in again.layers[:-1])
    assert again.image.digest == result.image.digest
    never = build_image(environment, None, options(tmp_path / "never", bytecode=Bytecode.NEVER))
    assert never.image.digest == result.image.digest
    with pytest.raises(InterpreterNotFound, match=r"cannot be byte-compiled \(--bytecode always\): "):
        build_image(environment, None, options(tmp_path / "always", bytecode=Bytecode.ALWAYS))


@pytest.mark.skipif(os.name != "posix", reason="needs this Python as a program")
def test_layers_for_another_platform_have_the_same_compiled_modules(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    version = exact_version()
    files = {"share/python": b"meta"}
    for subdir in ("linux-64", "linux-aarch64"):
        synthetic_channel.add(SyntheticPackage(name="python", version=version, subdir=subdir, files=files))
    synthetic_channel.add(MODULE)
    digests = set()
    for architecture in ("amd64", "arm64"):
        platform = Platform(architecture=architecture)
        environment = lock(["m"], channels=[synthetic_channel.url], override_channels=True, platform=platform)
        result = build_image(environment, None, options(tmp_path / architecture, bytecode=Bytecode.ALWAYS))
        [layer] = [layer for layer in result.layers if layer.packages == ("m",)]
        digests.add(layer.digest)
        assert [path for path in tree(result.image) if path.endswith(".pyc")]
    assert len(digests) == 1


LOADER = "/lib64/ld-linux-x86-64.so.2"


def test_an_image_from_scratch_has_what_programs_rely_on(channel: SyntheticChannel, tmp_path: Path) -> None:
    files = build_image(environment_of(channel), None, options(tmp_path)).image.filesystem()
    folder = files.get("tmp")
    assert folder is not None
    assert folder.entry.mode == 0o1777
    assert files.read("/etc/passwd").startswith(b"root:x:0:0:")


def test_a_user_that_the_base_lacks_gets_a_name_and_a_home(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image()
    base.add_layer_contents({"/etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "/etc/group": b"root:x:0:\n"})
    image = build_image(environment_of(channel), base, options(tmp_path, user="1000", home="/srv/me")).image
    files = image.filesystem()
    assert image.config["User"] == "1000:1000"
    assert files.read("/etc/passwd").endswith(b"\napp:x:1000:1000::/srv/me:/sbin/nologin\n")
    home = files.get("srv/me")
    assert home is not None
    assert (home.entry.uid, home.entry.gid, home.entry.mode) == (1000, 1000, 0o755)


def test_programs_without_a_loader_are_warned_of(channel: SyntheticChannel, tmp_path: Path) -> None:
    def notes(base: Image | None, *specs: str) -> list[str]:
        result = build_image(environment_of(channel, *specs), base, options(tmp_path))
        return [note for note in result.notes if LOADER in note]

    glibc, musl = Image(), Image()
    glibc.add_layer_contents({LOADER: b"", "/bin/sh": b""})
    musl.add_layer_contents({"/lib/ld-musl-x86_64.so.1": b"", "/bin/sh": b""})
    channel.add(
        SyntheticPackage(name="tool", files={"bin/tool": File(program(LOADER), mode=0o755)}),
        SyntheticPackage(name="large", files={"bin/large": File(program(LOADER) + bytes(100_000), mode=0o755)}),
        SyntheticPackage(name="fonts", noarch="generic", files={"fonts/a.ttf": b""}),
        SyntheticPackage(
            name="static", files={"bin/static": File(program(None), mode=0o755), "bin/a.sh": b"#!/bin/sh"}
        ),
    )
    assert notes(glibc, "tool") == []
    assert len(notes(musl, "tool")) == len(notes(None, "tool")) == len(notes(None, "large")) == 1
    assert notes(musl, "fonts") == notes(None, "static") == [], "nothing in it needs the loader"


def test_a_prefix_behind_a_link_of_the_base_goes_where_that_leads(channel: SyntheticChannel, tmp_path: Path) -> None:
    (tmp_path / "opt").symlink_to("var/opt")
    base = Image()
    base.add_layer_paths([(tmp_path / "opt", "/opt")])
    base.add_layer_contents({"/var/opt/of/the/base": b""})
    files = build_image(environment_of(channel), base, options(tmp_path)).image.filesystem()
    link = files.get("opt")
    assert link is not None
    assert link.entry.type is EntryType.SYMLINK
    assert "var/opt/conda/bin/python3.12" in files
    assert "var/opt/of/the/base" in files
    assert b"/opt/conda" in files.read("/opt/conda/lib/libnumpy.so"), "programs know it by the path that users see"


def test_login_shells_find_the_environment(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image()
    base.add_layer_contents({"/bin/sh": b""})
    files = build_image(environment_of(channel), base, options(tmp_path)).image.filesystem()
    script = files.read("/etc/profile.d/conda-docker.sh").decode()
    command = ["sh", "-c", f"PATH=/usr/bin:/bin; {script}\n{script}\necho $PATH"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == "/opt/conda/bin:/usr/bin:/bin\n"
    )


def test_an_environment_for_gpus_says_so_to_the_runtime(channel: SyntheticChannel, tmp_path: Path) -> None:
    channel.add(SyntheticPackage(name="cuda-version", version="12.4", noarch="generic"))
    channel.add(SyntheticPackage(name="torch", depends=("cuda-version",), files={"lib/torch.so": b""}))
    variables = build_image(environment_of(channel, "torch"), None, options(tmp_path)).image.config.environment
    assert variables["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert variables["NVIDIA_REQUIRE_CUDA"] == "cuda>=12.4"
    assert "NVIDIA_VISIBLE_DEVICES" not in variables


SCRIPTED = SyntheticPackage(
    name="fontcache",
    files={
        "bin/.fontcache-post-link.sh": File(
            b"echo made > $PREFIX/made\necho hello > $PREFIX/.messages.txt\n", mode=0o755
        ),
        "etc/conda/activate.d/fontcache.sh": b"export FONTS=$CONDA_PREFIX/$(cat $CONDA_PREFIX/made)\n",
    },
)


def test_link_scripts_are_refused_named_or_run(channel: SyntheticChannel, tmp_path: Path, runnable_base: Image) -> None:
    channel.add(SCRIPTED)
    environment = environment_of(channel, "fontcache")
    with pytest.raises(ScriptFailed, match="fontcache"):
        build_image(environment, runnable_base, options(tmp_path, link_scripts="refuse"))
    named = build_image(environment, runnable_base, options(tmp_path))
    assert named.post_link == ("fontcache",)
    assert any("--link-scripts run" in note for note in named.notes)
    ran = [build_image(environment, runnable_base, options(tmp_path, link_scripts="run")) for _ in range(2)]
    files = ran[0].image.filesystem()
    assert files.read("/opt/conda/made") == b"made\n"
    assert "opt/conda/.messages.txt" not in files
    assert [[layer.cached for layer in result.layers][-2] for result in ran] == [False, True]
    assert ran[0].image.config.environment["FONTS"] == "/opt/conda/made", "activation sees what link scripts made"
    assert [entry.created_by for entry in ran[0].image.config_file.history or ()][-2:] == [
        "conda-docker: link scripts",
        "conda-docker: environment",
    ]
    for result in ran:
        assert result.post_link == ()
        assert "fontcache says: hello" in result.notes
    assert ran[0].image.digest == ran[1].image.digest
    assert validate(ran[0].image).ok


def test_a_base_with_a_file_in_place_of_the_environment_is_refused(channel: SyntheticChannel, tmp_path: Path) -> None:
    base = Image()
    base.add_layer_contents({"/opt": b"a file"})
    with pytest.raises(UnsupportedFormat, match="/opt of the base image is no folder"):
        build_image(environment_of(channel), base, options(tmp_path))
    result = build_image(environment_of(channel), base, options(tmp_path, prefix="/srv/app"))
    assert result.image.filesystem().read("/opt") == b"a file"


@pytest.mark.parametrize("link_scripts", ["warn", "run", "refuse"])
def test_pre_link_scripts_are_named_and_never_run(channel: SyntheticChannel, tmp_path: Path, link_scripts: str) -> None:
    channel.add(SyntheticPackage(name="early", files={"bin/.early-pre-link.sh": File(b"exit 1\n", mode=0o755)}))
    for _ in range(2):
        result = build_image(environment_of(channel, "early"), None, options(tmp_path, link_scripts=link_scripts))
        assert any("the pre-link scripts of early are not run" in note for note in result.notes)
        assert result.post_link == ()


@pytest.mark.parametrize("file_comes_first", [True, False])
def test_a_file_that_is_a_folder_in_another_package_is_named(
    synthetic_channel: SyntheticChannel, tmp_path: Path, file_comes_first: bool
) -> None:
    first, last = ("file", "folder") if file_comes_first else ("folder", "file")
    files = {"file": {"x": b"file"}, "folder": {"x/y": b"in a folder"}}
    synthetic_channel.add(
        SyntheticPackage(name=first, files=files[first]),
        SyntheticPackage(name=last, depends=(first,), files=files[last]),
    )
    for _ in range(2):  # the second time from the cache
        result = build_image(environment_of(synthetic_channel, last), None, options(tmp_path))
        assert ("opt/conda/x/y" in result.image.filesystem()) == file_comes_first
        assert "x is a folder in one package and a file in another; the last one wins" in result.notes


def test_files_of_several_packages_with_different_contents_are_named(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    same = {"share/same": b"same", "lib/__pycache__/m.pyc": b"first"}
    synthetic_channel.add(
        SyntheticPackage(name="first", files={"share/x": b"1", "share/y": b"1", **same}),
        SyntheticPackage(name="last", depends=("first",), files={**same, "share/x": b"2", "share/y": b"2"}),
    )
    for _ in range(2):  # the second time from the cache
        result = build_image(environment_of(synthetic_channel, "last"), None, options(tmp_path))
        assert [note for note in result.notes if "different contents" in note] == [
            "2 files of packages are replaced by another package's with different contents, since the last one wins: "
            "last over first (share/x and 1 more)"
        ]


@pytest.mark.parametrize(
    "spellings",
    [
        [{"user": "app"}, {"user": "app", "home": "/home/app"}, {"user": "1000"}, {"user": "1000:1000"}],
        [{"user": "me"}, {"user": "500"}, {"user": "500:500", "home": "/home/me"}, {"user": "me", "user_name": "me"}],
        [{"user": "me", "home": "/srv/me"}, {"user": "500:500", "home": "/srv/me"}],
        [{"user": "root"}, {"user": "0"}, {"user": "root:0"}],
    ],
    ids=["of no user of the base", "of its user", "of its user with another home", "root"],
)
def test_the_same_user_in_other_words_makes_the_same_image(
    channel: SyntheticChannel, tmp_path: Path, spellings: Sequence[Mapping[str, str]]
) -> None:
    base = Image(platform=Platform("linux", "amd64"))
    accounts = b"root:x:0:0::/root:/bin/sh\nme:x:500:500::/home/me:/bin/sh\n"
    base.add_layer_contents({"/etc/passwd": accounts, "/etc/group": b"root:x:0:\nme:x:500:\n", "/bin/sh": b""})
    environment = environment_of(channel, "numpy")
    built = [build_image(environment, base, options(tmp_path, **spelling)).image for spelling in spellings]
    assert len({image.digest for image in built}) == 1


@pytest.mark.parametrize(("activate", "named"), [(Activate.AUTO, True), (Activate.NEVER, False)])
def test_what_an_environment_of_the_base_has_set_is_named(
    channel: SyntheticChannel, tmp_path: Path, activate: Activate, named: bool
) -> None:
    channel.add(
        SyntheticPackage(name="lower", files={"etc/conda/env_vars.d/lower.json": b'{"MODE": "fast", "BOTH": "1"}'}),
        SyntheticPackage(name="upper", files={"etc/conda/env_vars.d/upper.json": b'{"BOTH": "2"}'}),
    )
    base = build_image(environment_of(channel, "lower"), None, options(tmp_path)).image
    result = build_image(environment_of(channel, "upper"), base, options(tmp_path, activate=activate))
    note = (
        "the environment at /opt/conda of the base image stays active beneath this one, as after `conda activate "
        "--stack`: what it has set stays in MODE; --env NAME=VALUE changes it"
    )
    assert (note in result.notes) == named


@pytest.mark.parametrize(
    ("workdir", "is_file"),
    [
        ("/etc/passwd", True),
        ("/etc/new", False),
        ("/opt/conda/bin/tool", True),
        ("/opt/conda/bin", False),
        ("/x", True),
    ],
)
def test_a_working_folder_that_is_a_file_is_named(
    channel: SyntheticChannel, tmp_path: Path, workdir: str, is_file: bool
) -> None:
    channel.add(SyntheticPackage(name="tool", files={"bin/tool": File(b"", mode=0o755)}))
    base = Image(platform=Platform("linux", "amd64"))
    base.add_layer_contents({"/etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "/x": b"", "/bin/sh": b""})
    result = build_image(environment_of(channel, "tool"), base, options(tmp_path, workdir=workdir))
    note = f"the working folder {workdir} is a file in the image: no container of this image can start"
    assert (note in result.notes) == is_file


@pytest.mark.parametrize("layering", list(Layering))
@pytest.mark.parametrize("link_comes_first", [True, False])
def test_files_follow_a_folder_that_is_a_link_in_another_package(
    synthetic_channel: SyntheticChannel, tmp_path: Path, link_comes_first: bool, layering: Layering
) -> None:
    first, last = ("link", "file") if link_comes_first else ("file", "link")
    files: dict[str, dict[str, Entry | bytes]] = {
        "link": {"x/lib64/first.so": b"first", "x/lib": Symlink("lib64")},
        "file": {"x/lib/other.so": b"other", "x/lib/deep/er.so": b"deeper"},
    }
    synthetic_channel.add(
        SyntheticPackage(name=first, files=files[first]),
        SyntheticPackage(name=last, depends=(first,), files=files[last]),
    )
    result = build_image(environment_of(synthetic_channel, last), None, options(tmp_path, layering=layering))
    found = result.image.filesystem()
    link = found.get("opt/conda/x/lib")
    assert link is not None
    assert link.entry.link_target == "lib64"
    assert found.read("/opt/conda/x/lib64/other.so") == found.read("/opt/conda/x/lib/other.so") == b"other"
    assert found.read("/opt/conda/x/lib64/first.so") == b"first"
    assert found.read("/opt/conda/x/lib/deep/er.so") == b"deeper"
    record = json.loads(found.read("/opt/conda/conda-meta/file-1.0-0.json"))
    assert record["files"] == ["x/lib/deep/er.so", "x/lib/other.so"]
    again = build_image(environment_of(synthetic_channel, last), None, options(tmp_path, layering=layering))
    assert again.image.digest == result.image.digest
    assert all(layer.cached for layer in again.layers if layer.packages)


@pytest.mark.parametrize("layering", list(Layering))
def test_what_is_made_for_a_package_follows_such_a_folder_too(
    channel: SyntheticChannel, tmp_path: Path, layering: Layering
) -> None:
    channel.add(
        SyntheticPackage(name="a", files={"bin": Symlink("programs"), "etc/conda": Symlink("../settings")}),
        SyntheticPackage(
            name="b",
            files={"etc/conda/env_vars.d/b.json": b'{"B": "1"}', "etc/conda/activate.d/b.sh": b"export C=2\n"},
        ),
    )
    environment = environment_of(channel, "flask", "a", "b")
    archive = make_wheel(
        tmp_path,
        files={"demo.py": "", "demo-1.0.data/scripts/run": "#!python\n", "demo-1.0.data/data/bin/other": ""},
        metadata={"entry_points.txt": "[console_scripts]\ndemo = demo:main\n"},
    )
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    wheel = LockedWheel(name="demo", version="1.0", url=archive.as_uri(), source=archive, sha256=sha256)
    environment = replace(environment, wheels=(wheel,))
    result = build_image(environment, None, options(tmp_path, layering=layering))
    found = result.image.filesystem()
    link = found.get("opt/conda/bin")
    assert link is not None
    assert link.entry.type is EntryType.SYMLINK
    programs = [path.rpartition("/")[2] for path in found if path.startswith("opt/conda/programs/")]
    assert programs == ["demo", "flask", "other", "python3.12", "run"]
    assert result.image.config.environment["B"] == "1"
    assert any("b.sh" in note for note in result.notes)
    assert "../../../bin/demo," in found.read(f"/opt/conda/{SITE}/demo-1.0.dist-info/RECORD").decode()
