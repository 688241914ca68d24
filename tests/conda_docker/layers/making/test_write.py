"""One layer is written from a recipe and its packages, and from nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.layers.making.write import write_layer
from conda_docker.layers.member import Loss
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, find_on_machine, minor_version
from conda_docker.package.fetch.hashes import archive_hashes
from python_docker.image.blob_store import temporary_writer
from python_docker.streams.compression import Compression
from python_docker.streams.growing import Abandoned, GrowingFile
from tests.conda_docker.layers.ingredients import RECIPE
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import File, HardLink, SyntheticPackage

VERSION = exact_version()


def archives(folder: Path, *packages: SyntheticPackage) -> tuple[list[LockedPackage], list[Path]]:
    paths = [package.write(folder) for package in packages]
    return [locked(path) for path in paths], paths


@contextmanager
def coming(path: Path, *, right: bool) -> Iterator[GrowingFile]:
    """An archive of which all bytes are there, and which turns out to be right, or not, only after a while."""
    growing = GrowingFile(path.name, path.stat().st_size, os.open(path, os.O_RDONLY))
    growing.grow(growing.size)
    timer = threading.Timer(0.1, growing.finish if right else growing.abandon)
    timer.start()
    yield growing
    timer.join()


def test_a_package_that_is_read_while_it_comes_makes_the_same_layer(tmp_path: Path) -> None:
    [member], [path] = archives(tmp_path, SyntheticPackage(name="a", files={"x": "a"}))
    # Packages are read while they come only where both hashes are known, which a record has of a whole one anyway.
    members = [replace(member, md5=str(archive_hashes(path)["md5"]))]
    whole, _ = write_layer(RECIPE, members, [path], temporary_writer)
    with coming(path, right=True) as growing:
        layer, _ = write_layer(RECIPE, members, [growing], temporary_writer)
    assert layer.digest == whole.digest


def test_a_package_that_turns_out_to_be_another_makes_no_layer(tmp_path: Path) -> None:
    members, [path] = archives(tmp_path, SyntheticPackage(name="a", files={"x": "a"}))
    with coming(path, right=False) as growing, pytest.raises(Abandoned):
        write_layer(RECIPE, members, [growing], temporary_writer)


def test_packages_are_written_one_after_another(tmp_path: Path) -> None:
    members, paths = archives(
        tmp_path, SyntheticPackage(name="a", files={"share/a": "a"}), SyntheticPackage(name="b", files={"share/b": "b"})
    )
    written: list[int] = []
    layer, facts = write_layer(RECIPE, members, paths, temporary_writer, advance=written.append)
    files = [path for path in layer.list_files() if path.startswith("opt/conda/share/")]
    assert [path for path in files if path != "opt/conda/share/"] == ["opt/conda/share/a", "opt/conda/share/b"]
    assert facts.packages == ("a-1.0-0", "b-1.0-0")
    assert not facts.clobbered
    assert sum(written) > 2


def test_how_far_a_large_file_is_and_how_much_there_is(tmp_path: Path) -> None:
    members, paths = archives(tmp_path, SyntheticPackage(name="a", files={"share/a": b"a" * (5 << 20)}))
    written: list[int] = []
    expected: list[int] = []
    write_layer(RECIPE, members, paths, temporary_writer, advance=written.append, expect=expected.append)
    assert max(written) <= 1 << 20
    assert expected == [512 + (5 << 20)]
    assert expected[0] <= sum(written) < expected[0] + 20_000


def test_of_two_that_bring_a_path_the_last_has_it(tmp_path: Path) -> None:
    members, paths = archives(
        tmp_path, SyntheticPackage(name="a", files={"x": "a"}), SyntheticPackage(name="b", files={"x": "b"})
    )
    layer, facts = write_layer(RECIPE, members, paths, temporary_writer)
    contents = [content.read() for entry, content in layer.entries() if entry.path == "opt/conda/x"]
    assert contents == [b"b"]
    assert facts.clobbered


def test_what_is_lost_is_left_out(tmp_path: Path) -> None:
    members, paths = archives(tmp_path, SyntheticPackage(name="a", files={"x": "a", "y": "a"}))
    layer, facts = write_layer(RECIPE, members, paths, temporary_writer, lost={"a-1.0-0": Loss(frozenset({"x"}))})
    assert "opt/conda/x" not in layer.list_files()
    assert "opt/conda/y" in layer.list_files()
    assert not facts.clobbered


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD, Compression.NONE])
def test_the_recipe_says_how_it_is_compressed(tmp_path: Path, compression: Compression) -> None:
    members, paths = archives(tmp_path, SyntheticPackage(name="a", files={"x": "a"}))
    layer, _ = write_layer(Recipe("/srv/env", compression=compression), members, paths, temporary_writer)
    assert layer.compression is compression
    assert "srv/env/x" in layer.list_files()


def test_an_archive_that_must_be_read_twice_is(tmp_path: Path) -> None:
    # The first name of a hard link is left out, which shows only when the second one comes.
    package = SyntheticPackage(
        name="a", files={"share/x": File(b"content"), "lib/x": HardLink("share/x"), "lib/y": b"other"}
    )
    members, paths = archives(tmp_path, package)
    layer, _ = write_layer(replace(RECIPE, exclude=("share",)), members, paths, temporary_writer)
    contents = {entry.path: content.read() for entry, content in layer.entries()}
    assert contents["opt/conda/lib/x"] == b"content"


def test_only_the_recipes_own_compiler_will_do(tmp_path: Path) -> None:
    package = SyntheticPackage(name="m", noarch="python", files={"site-packages/m.py": "x = 1"})
    members, paths = archives(tmp_path, package)
    recipe = Recipe("/opt/conda", VERSION, bytecode=VERSION)
    other = Compiler(PythonProgram(("python",), "3.12.99", "cpython-312"))
    for compiler in (None, other):
        with pytest.raises(ValueError, match="not the compiler of the recipe"):
            write_layer(recipe, members, paths, temporary_writer, compiler=compiler)


def test_a_recipe_without_bytecode_compiles_nothing(tmp_path: Path) -> None:
    package = SyntheticPackage(name="m", noarch="python", files={"site-packages/m.py": "x = 1"})
    members, paths = archives(tmp_path, package)
    python = find_on_machine(VERSION)
    assert python is not None
    with Compiler(python) as compiler:
        layer, _ = write_layer(
            Recipe("/opt/conda", minor_version(VERSION)), members, paths, temporary_writer, compiler=compiler
        )
    assert not [path for path in layer.list_files() if path.endswith(".pyc")]
