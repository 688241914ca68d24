"""What a view gives is in the order in which it is mounted."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.sandbox import View


def test_outer_folders_come_first() -> None:
    view = View(folders={"/a/b": Path("/x"), "/a": Path("/y")})
    assert list(view.read_only()) == [("/a", Path("/y")), ("/a/b", Path("/x"))]


@pytest.mark.parametrize(
    ("view", "own"), [(View(), False), (View(folders={"/": Path("/x")}), True), (View(writable={"/": Path()}), True)]
)
def test_whose_root_it_is(view: View, own: bool) -> None:
    assert view.has_own_root is own


def test_libraries_are_folders_or_links() -> None:
    view = View(system_libraries=True)
    folders, links = dict(view.read_only()), dict(view.links())
    assert not folders.keys() & links.keys()
    assert not any(path.is_symlink() for path in folders.values() if path.is_dir())
    assert all(Path(path).is_symlink() for path in links)
    assert list(View().links()) == []
