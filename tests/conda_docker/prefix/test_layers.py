"""What a prefix holds beyond its packages, as a layer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, find_on_machine
from conda_docker.prefix import layers
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.layers import Carried, prefix_layer
from conda_docker.prefix.survey import LocalFile, Share, Survey
from python_docker.errors import InvalidPath
from python_docker.tar import TarEntry

VERSION = exact_version()
MINOR = ".".join(VERSION.split(".")[:2])
TAG = f"cpython-{MINOR.replace('.', '')}"
SITE = f"lib/python{MINOR}/site-packages"
RECIPE = Recipe("/opt/conda", MINOR, bytecode=VERSION)


def carry(
    root: Path,
    files: dict[str, tuple[bytes, Share]],
    *,
    compiler: Compiler | None = None,
    deleted: tuple[str, ...] = (),
    emptied: tuple[str, ...] = (),
    carried: Carried | None = None,
    recipe: Recipe = RECIPE,
) -> dict[str, tuple[TarEntry, bytes]]:
    """Return the entries of a layer of these files, by their paths in it."""
    found = []
    for place, (content, share) in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found.append(LocalFile(place, path, Kind.FILE, share))
    survey = Survey(root, root, tuple(found), deleted, emptied)
    layer = prefix_layer(survey, tuple(Share), recipe, compiler, 7, carried or Carried())
    assert layer is not None
    return {entry.path: (entry, content.read()) for entry, content in layer.entries()}


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    python = find_on_machine(VERSION)
    assert isinstance(python, PythonProgram)
    return Compiler(python)


def test_texts_are_rewritten_and_modes_kept(tmp_path: Path) -> None:
    root = tmp_path / "env"
    files = carry(root, {"bin/own": (f"#!{root}/bin/python\n".encode(), Share.OWN)})
    entry, content = files["opt/conda/bin/own"]
    assert content == b"#!/opt/conda/bin/python\n"
    assert (entry.uid, entry.gid, entry.mode) == (0, 0, 0o644)


def test_what_depends_on_a_path_outside_is_noted(tmp_path: Path) -> None:
    root = tmp_path / "env"
    files = {
        "bin/mine": (f"#!{root}/bin/python\n".encode(), Share.OWN),
        "bin/copied": (b"#!/srv/other/bin/python\n", Share.OWN),
        f"{SITE}/mine.pth": (f"{root}/src\n".encode(), Share.OWN),
        f"{SITE}/out.pth": (b"/srv/extlib\n", Share.OWN),
    }
    carried = Carried()
    carry(root, files, carried=carried)
    assert carried.elsewhere == ["bin/copied (/srv/other/bin/python)", f"{SITE}/out.pth (/srv/extlib)"]


def test_large_files_are_rewritten_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_WHOLE", 8)
    root = tmp_path / "environment"
    name = str(root).encode()
    files = {
        "text": (b"in " + name + b"/bin", Share.OWN),
        "program": (b"\0\0" + name + b"/x\0end", Share.OWN),
        "other": (b"nothing to see here", Share.OWN),
    }
    carried = carry(root, files)
    padding = bytes(len(name) - len("/opt/conda"))
    assert carried["opt/conda/text"][1] == b"in /opt/conda/bin"
    assert carried["opt/conda/program"][1] == b"\0\0/opt/conda/x" + padding + b"\0end"
    assert carried["opt/conda/other"][1] == b"nothing to see here"


def test_a_program_without_room_stays_as_it_is(tmp_path: Path) -> None:
    carried = Carried()
    recipe = Recipe("/" + "long/" * 60 + "prefix")
    content = b"\0" + str(tmp_path).encode() + b"\0"
    found = carry(tmp_path, {"x.so": (content, Share.OWN)}, carried=carried, recipe=recipe)
    assert found[f"{recipe.prefix[1:]}/x.so"][1] == content
    assert carried.unrewritten == ["x.so"]


def test_a_changed_module_is_compiled_anew(tmp_path: Path, compiler: Compiler) -> None:
    files = carry(tmp_path, {f"{SITE}/a.py": (b"X = 1\n", Share.CHANGED)}, compiler=compiler)
    assert f"opt/conda/{SITE}/__pycache__/a.{TAG}.pyc" in files


@pytest.mark.parametrize("compiled", [True, False])
def test_a_stale_compiled_module_is_deleted(tmp_path: Path, compiler: Compiler, compiled: bool) -> None:
    # With an unchecked .pyc file of the package below it, Python would not see the change.
    files = carry(tmp_path, {f"{SITE}/a.py": (b"def\n", Share.CHANGED)}, compiler=compiler if compiled else None)
    assert f"opt/conda/{SITE}/__pycache__/.wh.a.{TAG}.pyc" in files


def test_what_is_gone_is_deleted(tmp_path: Path) -> None:
    assert "opt/conda/share/.wh.x" in carry(tmp_path, {}, deleted=("share/x",))


def test_the_compiled_module_of_one_that_is_gone_is_deleted(tmp_path: Path) -> None:
    files = carry(tmp_path, {}, deleted=(f"{SITE}/a/b.py",))
    assert set(files) >= {f"opt/conda/{SITE}/a/.wh.b.py", f"opt/conda/{SITE}/a/__pycache__/.wh.b.{TAG}.pyc"}


def test_a_folder_that_is_gone_is_deleted_as_a_whole(tmp_path: Path) -> None:
    files = carry(tmp_path, {}, deleted=(f"{SITE}/a/b.py", "share/x"), emptied=(f"{SITE}/a",))
    assert {path for path in files if ".wh." in path} == {f"opt/conda/{SITE}/.wh.a", "opt/conda/share/.wh.x"}


def test_records_and_origins(tmp_path: Path) -> None:
    info = f"{SITE}/a-1.dist-info"
    origin = b'{"url": "https://me:word@host/a.git", "vcs_info": {"vcs": "git"}}'
    script = f"#!{tmp_path}/bin/python\n".encode()
    files = carry(
        tmp_path,
        {
            f"{info}/RECORD": (b"../../../bin/a,sha256=x,1\n", Share.PIP),
            f"{info}/direct_url.json": (origin, Share.PIP),
            "bin/a": (script, Share.PIP),
        },
    )
    assert b"word" not in files[f"opt/conda/{info}/direct_url.json"][1]
    assert files[f"opt/conda/{info}/RECORD"][1].endswith(b",24\n")


def test_links_out_of_the_environment_are_named(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/etc/hosts")
    carried = Carried()
    survey = Survey(tmp_path, tmp_path, (LocalFile("x", tmp_path / "x", Kind.LINK, Share.OWN),))
    prefix_layer(survey, (Share.OWN,), RECIPE, None, 7, carried)
    assert carried.outside == ["x"]


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/etc/hosts")
    survey = Survey(tmp_path, tmp_path, (LocalFile("x", tmp_path / "x", Kind.FILE, Share.OWN),))
    with pytest.raises(InvalidEnvironment, match="cannot read"):
        prefix_layer(survey, (Share.OWN,), RECIPE, None, 7, Carried())


def test_a_name_that_means_a_deletion(tmp_path: Path) -> None:
    with pytest.raises(InvalidPath, match="deletes another file"):
        carry(tmp_path, {".wh.x": (b"", Share.OWN)})


def test_no_files(tmp_path: Path) -> None:
    assert prefix_layer(Survey(tmp_path, tmp_path, ()), tuple(Share), RECIPE, None, 7, Carried()) is None


def test_times_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = tmp_path / "x"
    path.touch()
    os.utime(path, (5, 5))
    survey = Survey(tmp_path, tmp_path, (LocalFile("x", path, Kind.FILE, Share.OWN),))
    layer = prefix_layer(survey, (Share.OWN,), RECIPE, None, 7, Carried())
    assert layer is not None
    assert {entry.path: entry.mtime for entry, _ in layer.entries()}["opt/conda/x"] == 5
