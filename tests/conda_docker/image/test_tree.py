"""What is known to be a folder of an image that files are added to."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.image.tree import ImageTree
from conda_docker.layers.facts import LayerFacts, path_hash
from python_docker.errors import InvalidPath
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import EntryType, TarEntry

FACTS = LayerFacts(paths=frozenset({path_hash("bin/python")}), folders=frozenset({path_hash("bin")}))


def test_folders_of_packages_are_known_by_their_facts() -> None:
    tree = ImageTree(facts=[FACTS], prefix="opt/conda")
    found = [tree.folder_at(path) for path in ("/opt", "/opt/conda", "/opt/conda/bin", "/opt/conda/bin/python", "/bin")]
    assert found == ["opt", "opt/conda", "opt/conda/bin", None, None]
    with pytest.raises(InvalidPath, match="/opt/conda/bin/python is a file"):
        tree.add("/opt/conda/bin/python", Path("app"), is_folder=True)


def test_a_base_is_read_once(tmp_path: Path) -> None:
    base = Image()
    base.add_layer_contents({"/etc/passwd": b""})
    first = ImageTree.of(base, (), (), "opt/conda", CacheFolder(tmp_path))
    base.filesystem = lambda: pytest.fail("read again")  # type: ignore[method-assign]
    second = ImageTree.of(base, (), (), "opt/conda", CacheFolder(tmp_path))
    for tree in (first, second):
        assert (tree.folder_at("/etc"), tree.folder_at("/etc/passwd")) == ("etc", None)


def test_a_link_takes_the_place_of_a_link() -> None:
    tree = ImageTree([TarEntry("usr/lib/a.so"), TarEntry("lib", EntryType.SYMLINK, link_target="usr/lib")])
    tree.add("/lib", Path("lib"), is_folder=False, link="usr/lib")
    assert tree.folder_at("/lib") == "usr/lib"


def test_links_of_packages_are_read_where_files_are_put_behind_one() -> None:
    with build_layer() as builder:
        builder.add(TarEntry("opt/conda/lib", EntryType.SYMLINK, link_target="lib64"), b"")
        builder.add(TarEntry("opt/conda/a"), b"")
    assert builder.layer is not None
    facts = LayerFacts(paths=frozenset(map(path_hash, ("lib", "a"))))
    tree = ImageTree([TarEntry("opt/conda/lib64", EntryType.DIRECTORY)], [facts], "opt/conda", [builder.layer])
    assert tree.folder_at("/opt/conda/lib") == "opt/conda/lib64"
    assert tree.add("/opt/conda/lib/x", Path("x"), is_folder=False) == "opt/conda/lib64/x"
    with pytest.raises(InvalidPath, match="/opt/conda/a is a file"):
        tree.add("/opt/conda/a/x", Path("x"), is_folder=False)
