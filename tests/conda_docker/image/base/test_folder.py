"""What a folder of a base image is, to be left as it is."""

from __future__ import annotations

from conda_docker.image.base.folder import Folder
from python_docker.tar import EntryType, LayerWriter, TarEntry, TarReader


def test_a_folder_is_stated_as_it_was() -> None:
    entry = TarEntry("home/me", EntryType.DIRECTORY, 0o2770, 0, 5, uid=1000, gid=100)
    assert Folder.of(entry).entry("home/me") == entry


def test_usual_is_what_a_layer_says_of_folders_by_itself() -> None:
    import io

    written: list[bytes] = []
    with LayerWriter(written.append) as layer:
        for path in ("opt/a", "root/a", "tmp/a"):
            layer.add(TarEntry(path))
    found = {entry.path: Folder.of(entry) for entry, _ in TarReader(io.BytesIO(b"".join(written)))}
    assert all(found[path].is_usual(path) for path in ("opt", "root", "tmp"))
    assert not Folder(0o755, 0, 0, 0).is_usual("root")
    assert not Folder(0o755, 1000, 0, 0).is_usual("opt")
