"""The layers of what a prefix holds beyond its packages, with the paths of this machine rewritten."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.errors import InvalidEnvironment, PlaceholderTooLong
from conda_docker.link.bytecode.modules import CompiledModules, pyc_path
from conda_docker.link.bytecode.python_program import cache_tag
from conda_docker.link.placeholder import replace_large_binary, replace_large_text
from conda_docker.prefix.elsewhere import path_elsewhere
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.records import Hashed, rewritten_record
from conda_docker.prefix.relocate import Relocation
from conda_docker.prefix.survey import LocalFile, Share, Survey
from conda_docker.redaction import public_value
from python_docker.errors import InvalidPath, reason_of
from python_docker.image.host_files import link_target
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.timestamps import clamp
from python_docker.tar import WHITEOUT, EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.layers.recipe import Recipe
    from conda_docker.link.bytecode.compiler import Compiler
    from python_docker.image.blob_store import BlobWriter

_WHOLE = 32 << 20  # bytes of a file that is held in memory; larger ones are looked through first
_CHUNK = 4 << 20
_NO_FOLLOW = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # of Unix, of Windows


@dataclass(slots=True)
class Carried:
    """What became of the files on their way, for the user: by place.

    `unrewritten` are programs that name the prefix of this machine and have no room for the one in the image.
    """

    unrewritten: list[str] = field(default_factory=list)
    uncompiled: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Files that depend on a path outside of the environment, each with the path."""


def relocation_of(survey: Survey, prefix: str) -> Relocation:
    """Return what becomes of this machine's paths in an image with its environment at `prefix`."""
    moves = {str(survey.root): prefix, str(survey.given): prefix}
    for source in survey.sources:
        place = f"{prefix}/{source.place}"
        moves |= {str(source.folder): place, str(source.given): place}
    return Relocation(tuple(sorted(moves.items())))


def prefix_layer(
    survey: Survey,
    shares: Sequence[Share],
    recipe: Recipe,
    compiler: Compiler | None,
    created: int,
    carried: Carried,
    writer: BlobWriter | None = None,
) -> Layer | None:
    """Return the layer of the files with these shares, None where there are none; and, with the last, of what is gone.

    Text and programs are rewritten as conda-pack does it; `RECORD` is kept true, and modules are compiled anew where
    the recipe compiles. `created` is the time of what is made here, in seconds since 1970. What the user should hear is
    added to `carried`. The layer is kept in `writer`'s store, or, without one, for as long as it is in use.

    Raises `InvalidEnvironment` for a file that cannot be read, and `InvalidPath` for one that no layer can hold.
    """
    files = survey.of(*shares)
    deleted = survey.deleted if Share.CHANGED in shares else ()
    if not files and not deleted:
        return None
    content_of = _Writer(survey, recipe, relocation_of(survey, recipe.prefix), created, carried, compiler)
    with build_layer(writer, recipe.compression, recipe.level) as builder:
        for entry, content in content_of.entries(files, deleted):
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


@dataclass(slots=True)
class _Writer:
    survey: Survey
    recipe: Recipe
    relocation: Relocation
    created: int
    carried: Carried
    compiler: Compiler | None
    rewritten: dict[str, Hashed] = field(default_factory=dict)
    """What files of pip's packages have become, by place: their records say so."""

    def entries(
        self, files: Sequence[LocalFile], deleted: Sequence[str]
    ) -> Iterator[tuple[TarEntry, bytes | BinaryIO]]:
        root = self.recipe.prefix_in_image.root
        modules = None
        if self.compiler is not None:
            modules = CompiledModules(
                self.compiler, self.recipe.prefix_in_image, self.created, self.recipe.filter.keeps
            )
            modules.shipped = {file.place for file in files}
        changed = []
        # The records last: they name what the others have become.
        for file in sorted(files, key=lambda file: (_is_record(file), file.place)):
            _check_name(file)
            if file.kind is Kind.FOLDER:
                mode = file.path.lstat().st_mode & 0o777 | 0o700
                yield TarEntry(f"{root}/{file.place}", EntryType.DIRECTORY, mode, 0, self.created), b""
                continue
            if file.kind is Kind.LINK:
                yield self._link(file, root), b""
                continue
            with opened(file) as stream:
                status = os.fstat(stream.fileno())
                entry = TarEntry(
                    f"{root}/{file.place}", mode=status.st_mode & 0o777 | 0o400, mtime=clamp(status.st_mtime)
                )
                content, size = self._content(file, stream, status.st_size)
                yield entry._replace(size=size), content
                if not isinstance(content, bytes):
                    content.close()
            if not file.place.endswith(".py"):
                continue
            if file.share is Share.CHANGED:
                changed.append(file.place)
            if modules is not None and isinstance(content, bytes) and self._is_compiled(file.place):
                yield from modules.add(file.place, content)
        if modules is not None:
            yield from modules.rest()
            self.carried.uncompiled += modules.failed
        made = set() if modules is None else {row.path for row in modules.rows}
        gone = [path for path in deleted if path.endswith(".py")]
        whiteouts = [*deleted, *self._stale([*changed, *gone], made, files)]
        if deleted:
            inside = tuple(f"{folder}/" for folder in self.survey.emptied)
            whiteouts = [*self.survey.emptied, *(path for path in whiteouts if not path.startswith(inside))]
        yield from self._whiteouts(whiteouts, root)

    def _is_compiled(self, place: str) -> bool:
        site_packages = self.recipe.site_packages or ""
        inside = place.startswith(f"{posixpath.dirname(site_packages)}/") if site_packages else False
        return inside or place in self.survey.compiled

    def _stale(self, changed: Iterable[str], made: set[str], files: Sequence[LocalFile]) -> Iterator[str]:
        """Yield the `.pyc` files in lower layers of modules that changed or are gone: Python would load them."""
        version = self.recipe.bytecode or self.recipe.python_version
        if version is None:
            return
        here = {file.place for file in files}
        for place in changed:
            compiled = pyc_path(place, cache_tag(version))
            if compiled not in made and compiled not in here:
                yield compiled

    def _whiteouts(self, places: Iterable[str], root: str) -> Iterator[tuple[TarEntry, bytes]]:
        for place in sorted(set(places)):
            folder, _, name = f"{root}/{place}".rpartition("/")
            yield TarEntry(f"{folder}/{WHITEOUT}{name}", mtime=self.created), b""

    def _link(self, file: LocalFile, root: str) -> TarEntry:
        target = link_target(file.path)
        moved = self.relocation.link(target)
        if moved == target and target.startswith("/"):
            self.carried.outside.append(file.place)
        return TarEntry(f"{root}/{file.place}", EntryType.SYMLINK, 0o777, 0, self.created, moved)

    def _content(self, file: LocalFile, stream: BinaryIO, size: int) -> tuple[bytes | BinaryIO, int]:
        """Return what the file is in the image, and its size in bytes: the stream itself where it stays as it is."""
        if size > _WHOLE:
            return self._large(file, stream, size)
        content = stream.read()
        if _is_record(file):
            moved = rewritten_record(content, posixpath.dirname(posixpath.dirname(file.place)), self.rewritten)
        else:
            moved = self._moved(file, content)
            if (path := path_elsewhere(file.place, moved, self.recipe.prefix)) is not None:
                self.carried.elsewhere.append(f"{file.place} ({path})")
        if moved != content and file.share is Share.PIP:
            self.rewritten[file.place] = Hashed(hashlib.sha256(moved).digest(), len(moved))
        return moved, len(moved)

    def _large(self, file: LocalFile, stream: BinaryIO, size: int) -> tuple[BinaryIO, int]:
        """Return a large file as it is in the image, in bounded memory; its hash in RECORD stays as it was."""
        moves, binary = _named(stream, self.relocation)
        stream.seek(0)
        for old, new in moves:
            if not binary:
                stream, size = replace_large_text(stream, old, new)
            elif len(new.encode()) > len(old.encode()):
                self.carried.unrewritten.append(file.place)
            else:
                stream = replace_large_binary(stream, old, new, file.place)
        return stream, size

    def _moved(self, file: LocalFile, content: bytes) -> bytes:
        if file.place.endswith(".dist-info/direct_url.json"):
            return self._direct_url(content)
        if not self.relocation.concerns(content):
            return content
        if b"\0" not in content:
            return self.relocation.text(content)
        try:
            return self.relocation.binary(content, file.place)
        except PlaceholderTooLong:
            self.carried.unrewritten.append(file.place)
            return content

    def _direct_url(self, content: bytes) -> bytes:
        """Return where a distribution is from, as it is in the image, without credentials (PEP 610)."""
        moved = self.relocation.text(content)
        try:
            document = json.loads(moved)
        except (ValueError, RecursionError):
            return moved
        public = public_value(document)
        return moved if public == document else json.dumps(public).encode()


def _is_record(file: LocalFile) -> bool:
    return file.place.endswith(".dist-info/RECORD")


def opened(file: LocalFile) -> BinaryIO:
    """Open a file that was found to be a regular one, and must not have become a link since."""
    try:
        return os.fdopen(os.open(file.path, _NO_FOLLOW), "rb")
    except OSError as error:
        raise InvalidEnvironment(
            f"cannot read {file.path}: {reason_of(error)}; make it readable, or leave it out with --exclude"
        ) from error


def _named(stream: BinaryIO, relocation: Relocation) -> tuple[list[tuple[str, str]], bool]:
    """Return the moves of those folders of this machine that a file names, and whether it is a program or the like."""
    named: dict[tuple[str, str], None] = {}
    binary = False
    rest = b""
    while data := stream.read(_CHUNK):
        binary = binary or b"\0" in data
        named |= dict.fromkeys(relocation.moves_in(rest + data))
        rest = data[-relocation.longest :]
    return list(named), binary


def _check_name(file: LocalFile) -> None:
    if any(part.startswith(WHITEOUT) for part in file.place.split("/")):
        raise InvalidPath(
            f"{file.path} cannot be copied: in an image, a name that begins with {WHITEOUT} deletes another file "
            "(image-spec, layer.md); rename it, or leave it out with --exclude"
        )
