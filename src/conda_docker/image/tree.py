"""The paths of an image that is being made: which are folders, whose these are, and which are something else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.image.base.folder import Folder
from conda_docker.layers.facts import LayerFacts, path_hash
from python_docker.errors import InvalidLayer, InvalidPath, NotFound
from python_docker.files.links import follow_links
from python_docker.tar import EntryType, TarEntry, clamped_path

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer


class ImageTree:
    """What is at which path, relative to the root, without a layer of packages being read.

    `facts` are those of layers whose paths are relative to the folder `prefix`. They do not say which paths are links,
    so the layer itself, of `packages`, is read where that matters: few add files behind a file of a package.
    """

    def __init__(
        self,
        entries: Iterable[TarEntry] = (),
        facts: Sequence[LayerFacts] = (),
        prefix: str = "",
        packages: Sequence[Layer] = (),
    ) -> None:
        self._folders = {""}
        self._files: set[str] = set()
        self._links: dict[str, str] = {}
        self._owned: dict[str, Folder] = {}
        self._facts = facts
        self._unread = dict(enumerate(packages))
        self._prefix = prefix
        if facts:
            self._make_folders(prefix)
        for entry in entries:
            path, is_folder = clamped_path(entry.path), entry.type is EntryType.DIRECTORY
            self._put(path, is_folder=is_folder, link=entry.link_target if entry.type is EntryType.SYMLINK else None)
            if is_folder:
                self._owned[path] = Folder.of(entry)

    @classmethod
    def of(
        cls,
        base: Image | None,
        layers: Sequence[Layer],
        facts: Sequence[LayerFacts],
        prefix: str,
        cache: CacheFolder,
        packages: Sequence[Layer] = (),
    ) -> ImageTree:
        """Return the tree of an image on `base`, whose paths are remembered in `cache` by its ID, with small `layers`
        on top, the highest first, that are read. A base that cannot be read as a file system counts as empty.
        `packages` are the layers that `facts` are of.
        """
        own = (entry for layer in reversed(layers) for entry, _ in layer.entries())
        return cls([*(_base_entries(base, cache) if base is not None else ()), *own], facts, prefix, packages)

    def folder_at(self, path: str) -> str | None:
        """Return where the folder at a path really is, links followed; None where there is none.

        >>> ImageTree([TarEntry("srv/app", EntryType.DIRECTORY)]).folder_at("/srv")
        'srv'
        """
        real = self._follow(path)
        return real if real is not None and self._is_folder(real) else None

    def file_at(self, path: str) -> str | None:
        """Return where the file at a path really is, links followed; None where there is none.

        >>> tree = ImageTree([TarEntry("etc/passwd"), TarEntry("x", EntryType.SYMLINK, link_target="etc")])
        >>> tree.file_at("/x/passwd")
        'etc/passwd'
        """
        real = self._follow(path)
        return real if real is not None and self._is_file(real) else None

    def stated(self, path: str) -> TarEntry | None:
        """Return the folder at a path as a layer must state it to leave it as it is; None where that is as usual.

        >>> ImageTree([TarEntry("home/me", EntryType.DIRECTORY, 0o700, uid=1000)]).stated("home/me").uid
        1000
        """
        folder = self._owned.get(path)
        return None if folder is None or folder.is_usual(path) else folder.entry(path)

    def add(self, path: str, source: Path, *, is_folder: bool, link: str | None = None) -> str:
        """Have `source` at a path: a folder, a `link` with where it leads, or something else.

        Returns where it really is, relative to the root. Raises `InvalidPath` for a folder where a file is, and the
        other way round.
        """
        # A file takes the place of a link; a folder goes where the link leads.
        real = self._follow(path, follow_last=is_folder)
        if real is None:
            return clamped_path(path)
        parts = real.split("/")
        for above in ("/".join(parts[:count]) for count in range(1, len(parts) + is_folder)):
            if self._is_file(above):
                raise InvalidPath(
                    f"{str(source)!r} cannot be added at {path}: /{above} is a file in the image, and would have to be "
                    "a folder; choose another place"
                )
        if not is_folder and self._is_folder(real):
            raise InvalidPath(
                f"{str(source)!r} cannot be added at {path}, which is a folder in the image: all that is in it would "
                "be gone; choose another place"
            )
        self._links.pop(real, None)
        self._put(real, is_folder=is_folder, link=link)
        return real

    def _follow(self, path: str, *, follow_last: bool = True) -> str | None:
        """Return where a path leads, None for nowhere."""
        while True:
            real = follow_links(path, self._links.get, follow_last=follow_last)
            if real is None or not self._learn_links(real if follow_last else real.rpartition("/")[0]):
                return real

    def _learn_links(self, folder: str) -> bool:
        """Read the links of layers that have something else than a folder on a path, and return whether any did."""
        learned = False
        while self._unread and folder:
            hashed = path_hash(folder[len(self._prefix) + 1 :]) if folder.startswith(f"{self._prefix}/") else None
            for number in [number for number in self._unread if hashed in self._facts[number].paths]:
                for entry, _ in self._unread.pop(number).entries():
                    if entry.type is EntryType.SYMLINK:
                        self._links.setdefault(clamped_path(entry.path), entry.link_target)
                learned = True
            folder = folder.rpartition("/")[0]
        return learned

    def _is_folder(self, path: str) -> bool:
        return path in self._folders or any(hashed in facts.folders for hashed, facts in self._in_packages(path))

    def _is_file(self, path: str) -> bool:
        if self._is_folder(path):
            return False
        return path in self._files or any(hashed in facts.paths for hashed, facts in self._in_packages(path))

    def _in_packages(self, path: str) -> Iterator[tuple[int, LayerFacts]]:
        if path.startswith(f"{self._prefix}/"):
            hashed = path_hash(path[len(self._prefix) + 1 :])
            yield from ((hashed, facts) for facts in self._facts)

    def _put(self, path: str, *, is_folder: bool, link: str | None = None) -> None:
        self._make_folders(path if is_folder else path.rpartition("/")[0])
        if link is not None:
            self._links[path] = link
        elif not is_folder:
            self._files.add(path)

    def _make_folders(self, path: str) -> None:
        while path not in self._folders:
            self._folders.add(path)
            path = path.rpartition("/")[0]


def _base_entries(image: Image, cache: CacheFolder) -> list[TarEntry]:
    note = cache.read_note(NoteKind.TREES, image.id.encoded)
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        if note is not None:
            value = json.loads(note)
            return [
                *(TarEntry(path, EntryType.DIRECTORY) for path in value["folders"]),
                *(Folder(*map(int, fields)).entry(path) for path, fields in value["owned"].items()),
                *(TarEntry(path) for path in value["files"]),
                *(TarEntry(path, EntryType.SYMLINK, link_target=target) for path, target in value["links"].items()),
            ]
    try:
        files = image.filesystem()
    except (InvalidLayer, NotFound):
        return []
    entries = [member.entry for path in files if (member := files.get(path)) is not None]
    paths: dict[str, list[str]] = {"folders": [], "files": []}
    for entry in entries:
        if entry.type is not EntryType.SYMLINK:
            paths["folders" if entry.type is EntryType.DIRECTORY else "files"].append(entry.path)
    links = {entry.path: entry.link_target for entry in entries if entry.type is EntryType.SYMLINK}
    folders = {entry.path: Folder.of(entry) for entry in entries if entry.type is EntryType.DIRECTORY}
    owned = {path: folder for path, folder in folders.items() if not folder.is_usual(path)}
    note = json.dumps({**paths, "links": links, "owned": owned}).encode()
    cache.remember(NoteKind.TREES, image.id.encoded, note)
    return entries
