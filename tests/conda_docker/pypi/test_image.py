"""Whole builds with pip packages: what the image holds, and that it is the same however it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode, Layering
from conda_docker.environment.inputs.prefix import read_prefix
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.provenance.reading import read_environments
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from python_docker.tar import EntryType
from python_docker.validation import validate
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.image.test_assemble import names, tree
from tests.conda_docker.pypi.wheels import make_wheel

SITE = "lib/python3.12/site-packages"
PYTHON = SyntheticPackage(name="python", version="3.12.4", files={"bin/python3.12": b"\x7fELF"})
NUMPY = SyntheticPackage(
    name="numpy",
    version="1.26.4",
    depends=("python 3.12.*",),
    files={
        f"{SITE}/numpy/__init__.py": "",
        f"{SITE}/numpy/old.py": "",
        f"{SITE}/numpy-1.26.4.dist-info/METADATA": "Name: numpy\nVersion: 1.26.4\n",
        f"{SITE}/numpy-1.26.4.dist-info/RECORD": "numpy/__init__.py,,\nnumpy/old.py,,\n",
        "lib/libnumpy.so": b"\x7fELF",
    },
)


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel, wheels: Path) -> SyntheticChannel:
    synthetic_channel.add(PYTHON, NUMPY)
    make_wheel(
        wheels, "app", requires=["numpy>=1", "slow"], metadata={"entry_points.txt": "[console_scripts]\na=app:m\n"}
    )
    make_wheel(wheels, "slow", files={"slow.py": "", "slow-1.0.data/data/share/slow": "s"})
    return synthetic_channel


def request(tmp_path: Path, channel: SyntheticChannel, *lines: str, **changes: object) -> Request:
    file = tmp_path / "environment.yml"
    pip = "".join(f"    - {line}\n" for line in lines)
    file.write_text(f"channels: [{channel.url}, nodefaults]\ndependencies:\n  - numpy\n  - pip:\n{pip}")
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER, offline=True)
    fields: dict[str, object] = {"files": [file], "platforms": "linux-64", "base": "scratch", "options": options}
    return Request(**(fields | changes))  # type: ignore[arg-type]


def built(asked: Request) -> BuildResult:
    [resolved] = resolve(asked)
    return build_image(resolved.environment, resolved.base, asked.options)


def test_wheels_lie_above_conda_packages_and_what_conda_brings_is_not_there_again(
    channel: SyntheticChannel, tmp_path: Path
) -> None:
    result = built(request(tmp_path, channel, "app", "numpy"))
    assert names(result) == [("python",), ("numpy",), ("slow",), ("app",), ()]
    files = tree(result.image)
    assert {"bin/a", f"{SITE}/app/__init__.py", "share/slow", f"{SITE}/app-1.0.dist-info/REQUESTED"} <= files.keys()
    assert validate(result.image).ok


def test_a_second_build_reads_neither_packages_nor_wheels(
    channel: SyntheticChannel, tmp_path: Path, wheels: Path
) -> None:
    asked = request(tmp_path, channel, "app")
    [resolved] = resolve(asked)
    first = build_image(resolved.environment, None, asked.options)
    for path in (*channel.folder.glob("*/*.conda"), *wheels.iterdir()):
        path.unlink()
    second = build_image(resolved.environment, None, asked.options)
    assert [layer.cached for layer in second.layers] == [True, True, True, True, False]
    assert second.image.digest == first.image.digest


def test_what_was_found_in_conda_packages_is_remembered(channel: SyntheticChannel, tmp_path: Path) -> None:
    first = built(request(tmp_path, channel, "app"))
    for path in channel.folder.glob("*/*.conda"):
        path.write_bytes(b"not read again")
    assert built(request(tmp_path, channel, "app")).image.digest == first.image.digest


@pytest.mark.parametrize("layering", list(Layering))
def test_an_explicit_list_of_the_image_makes_the_same_image(
    channel: SyntheticChannel, tmp_path: Path, wheels: Path, layering: Layering
) -> None:
    make_wheel(wheels, "numpy", "2.0")
    local = make_wheel(tmp_path, "local-app")
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER, offline=True, layering=layering)
    asked = request(tmp_path, channel, "app", "numpy>=2", f"./{local.name}", pip_may_replace=True, options=options)
    first = built(asked)
    [environment] = read_environments(first.image)
    text = environment.explicit()
    assert f"# pip local-app @ {local.as_uri()} --hash=sha256:" in text
    file = tmp_path / "explicit.txt"
    file.write_text(text)
    again = built(request(tmp_path, channel, "app", files=[file], options=options))
    assert again.image.digest == first.image.digest
    other = BuildOptions(cache_dir=tmp_path / "other", bytecode=Bytecode.NEVER, offline=True, layering=layering)
    assert built(request(tmp_path, channel, "app", files=[file], options=other)).image.digest == first.image.digest


def test_a_wheel_that_may_replace_a_conda_package_leaves_nothing_of_it(
    channel: SyntheticChannel, tmp_path: Path, wheels: Path
) -> None:
    make_wheel(wheels, "numpy", "2.0", {"numpy/__init__.py": "new = True\n"})
    result = built(request(tmp_path, channel, "numpy>=2", pip_may_replace=True))
    files = tree(result.image)
    assert files[f"{SITE}/numpy/__init__.py"].content == b"new = True\n"
    assert f"{SITE}/numpy/old.py" not in files
    assert not any(path.startswith(f"{SITE}/numpy-1.26.4.dist-info") for path in files)
    assert {"lib/libnumpy.so", "conda-meta/numpy-1.26.4-0.json"} <= files.keys()
    assert "the wheel of numpy replaces version 1.26.4 of the conda package numpy-1.26.4-0" in result.notes


def test_a_wheel_wins_a_file_of_a_conda_package_and_a_note_says_so(
    channel: SyntheticChannel, tmp_path: Path, wheels: Path
) -> None:
    make_wheel(wheels, "rude", files={"rude-1.0.data/purelib/numpy/old.py": "mine = True\n"})
    result = built(request(tmp_path, channel, "rude"))
    assert tree(result.image)[f"{SITE}/numpy/old.py"].content == b"mine = True\n"
    assert "1 file of the conda package numpy-1.26.4-0 is overwritten by pip packages" in result.notes


def test_of_two_wheels_with_one_file_the_one_that_was_asked_for_wins(
    channel: SyntheticChannel, tmp_path: Path, wheels: Path
) -> None:
    make_wheel(wheels, "aaa", files={"shared.py": "a"}, requires=["zzz"])
    make_wheel(wheels, "zzz", files={"shared.py": "z"})
    assert tree(built(request(tmp_path, channel, "aaa")).image)[f"{SITE}/shared.py"].content == b"a"


def test_who_asked_for_a_wheel_makes_another_layer(channel: SyntheticChannel, tmp_path: Path) -> None:
    first = built(request(tmp_path, channel, "app"))
    second = built(request(tmp_path, channel, "app", "slow"))
    assert [layer.cached for layer in second.layers] == [True, True, True, False, False]
    assert first.image.digest != second.image.digest


def test_no_login_of_an_index_is_in_the_image(channel: SyntheticChannel, tmp_path: Path, wheels: Path) -> None:
    result = built(request(tmp_path, channel, "app", "--extra-index-url https://me:secret@127.0.0.1:9/simple"))
    document = result.image.config_file.raw + result.image.manifest.raw
    assert b"secret" not in document


def test_without_python_nothing_is_built(channel: SyntheticChannel, tmp_path: Path) -> None:
    channel.add(SyntheticPackage(name="tool"))
    file = tmp_path / "other.yml"
    file.write_text(f"channels: [{channel.url}, nodefaults]\ndependencies:\n  - tool\n  - pip:\n    - app\n")
    with pytest.raises(Exception, match=r"other\.yml .* add python and pip"):
        built(request(tmp_path, channel, "app", files=[file]))


def test_an_extra_of_what_conda_brings_is_installed(channel: SyntheticChannel, tmp_path: Path, wheels: Path) -> None:
    metadata = (
        "Metadata-Version: 2.1\nName: server\nVersion: 1.0\nProvides-Extra: fast\n"
        "Requires-Dist: never-there\nRequires-Dist: slow ; extra == 'fast'\n\nRequires-Dist: no; extra == 'x'\n"
    )
    files = {"site-packages/server-1.0.dist-info/METADATA": metadata, "site-packages/server.py": ""}
    channel.add(SyntheticPackage(name="server", version="1.0", noarch="python", depends=("python",), files=files))
    file = tmp_path / "other.yml"
    pip = "    - server[fast]\n    - never-there; python_version < '3'\n"
    file.write_text(f"channels: [{channel.url}, nodefaults]\ndependencies:\n  - server\n  - pip:\n{pip}")
    assert names(built(request(tmp_path, channel, "app", files=[file]))) == [("python",), ("server",), ("slow",), ()]


def test_the_image_reads_as_an_environment_with_the_same_packages(channel: SyntheticChannel, tmp_path: Path) -> None:
    result = built(request(tmp_path, channel, "app"))
    prefix = tmp_path / "prefix"
    for path, item in tree(result.image).items():
        if item.type is EntryType.FILE:
            (prefix / path).parent.mkdir(parents=True, exist_ok=True)
            (prefix / path).write_bytes(item.content)
    found = read_prefix(prefix)
    assert {package.stem for package in found.packages} == {"python-3.12.4-0", "numpy-1.26.4-0"}
    assert found.installed is not None
    assert [each.requirement for each in found.installed.distributions] == ["app==1.0", "slow==1.0"]
