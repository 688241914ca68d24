"""What a layer's tar may hold (image-spec, layer.md), and what engines make of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from python_docker.image.filesystem import AUFS, OPAQUE
from python_docker.spec.limits import MAX_NAME
from python_docker.tar import WHITEOUT, EntryType, TarEntry, clamped_path
from python_docker.validation.report import Finding, Severity

_EXAMPLES = 3  # of each kind of problem
_MAX_PATHS = 4_000_000  # some 200 bytes of memory each


class TarRules:
    """Checks the entries of one layer in their order: `add` each, then ask for `findings`.

    `links` are the hard links whose target is not in this layer, pairs of path and target.
    """

    def __init__(self) -> None:
        self.types: dict[str, EntryType] = {}
        self.links: list[tuple[str, str]] = []
        self._implied: set[str] = set()
        self._found: dict[tuple[Severity, str], list[str]] = {}
        self._counts: dict[tuple[Severity, str], int] = {}

    def _note(self, severity: Severity, rule: str, example: str) -> None:
        key = (severity, rule)
        self._counts[key] = self._counts.get(key, 0) + 1
        examples = self._found.setdefault(key, [])
        if len(examples) < _EXAMPLES:
            examples.append(example)

    def _error(self, rule: str, path: str, target: str | None = None) -> None:
        self._note(Severity.ERROR, rule, _quote(path, target))

    def _warning(self, rule: str, path: str, target: str | None = None) -> None:
        self._note(Severity.WARNING, rule, _quote(path, target))

    def add(self, entry: TarEntry) -> None:
        """Check one entry."""
        self._check_path(entry.path)
        path = clamped_path(entry.path)
        if not path:
            if entry.type is not EntryType.DIRECTORY:
                self._error("the root is not a folder", entry.path)
            return
        if path in self.types:
            self._error("a path is there more than once, which Docker refuses", path)
        elif len(self.types) >= _MAX_PATHS:
            self._error(f"there are more than {_MAX_PATHS} paths; what follows was not checked", path)
            return
        name = path.rpartition("/")[2]
        if name.startswith(WHITEOUT):
            self._check_whiteout(entry, path, name)
        self._check_folders(path)
        if entry.type is EntryType.HARDLINK:
            self._check_hard_link(path, clamped_path(entry.link_target))
        elif entry.type is EntryType.SYMLINK and not entry.link_target:
            self._error("a symbolic link has no target", path)
        self.types[path] = entry.type

    def add_rare(self, what: str, path: str) -> None:
        """Take note of a member that layers may not hold, which engines refuse or pass over."""
        self._error(f"{what}, which layers may not hold", path)

    def _check_path(self, path: str) -> None:
        depth = 0
        for part in path.split("/"):
            depth += (part not in ("", ".")) - 2 * (part == "..")
            if depth < 0:
                self._error("a path leaves the root", path)
                return
            if len(part) > MAX_NAME // 4 and len(part.encode("utf-8", "surrogateescape")) > MAX_NAME:
                self._error(f"a name has more than {MAX_NAME} bytes", path)
        if path.startswith("/"):
            self._warning("a path is absolute", path)
        elif "/../" in path:
            self._warning("a path holds '..'", path)

    def _check_whiteout(self, entry: TarEntry, path: str, name: str) -> None:
        hidden = name.removeprefix(WHITEOUT)
        if name != OPAQUE and name.startswith(AUFS):
            self._warning("a leftover of aufs, which means nothing", path)
        elif hidden in ("", ".", ".."):
            self._error("a whiteout names nothing", path)
        elif path.removesuffix(name) + hidden in self.types:
            self._error("a whiteout comes after what it names in the same layer, which Docker refuses", path)
        elif entry.type is not EntryType.FILE or entry.size:
            self._warning("a whiteout is not an empty file", path)

    def _check_folders(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        while folder:
            kind = self.types.get(folder)
            if kind is EntryType.DIRECTORY or folder in self._implied:
                return
            if kind is EntryType.SYMLINK:
                self._warning("a path leads through a symbolic link, which engines treat differently", path, folder)
                return
            if kind is not None:
                self._error("a path is below something that is not a folder", path, folder)
                return
            self._implied.add(folder)
            folder = folder.rpartition("/")[0]

    def _check_hard_link(self, path: str, target: str) -> None:
        kind = self.types.get(target)
        if kind is None:
            self.links.append((path, target))
        elif kind is EntryType.DIRECTORY:
            self._error("a hard link leads to a folder", path, target)

    def finish(self) -> None:
        """Check what is known only at the end."""
        links, self.links = self.links, []
        for path, target in links:
            if target in self.types:
                self._error("a hard link comes before its target", path, target)
            else:
                self.links.append((path, target))
        for folder in sorted(self._implied - self.types.keys()):
            self._warning("a folder has no entry of its own: engines differ in owner and mode", folder)

    def findings(self) -> Iterator[Finding]:
        """Yield what was found: one finding for each rule, with examples."""
        for key, examples in self._found.items():
            severity, rule = key
            more = self._counts[key] - len(examples)
            yield Finding(severity, f"{rule}: {', '.join(examples)}" + (f" and {more} more" if more else ""))


def _quote(path: str, target: str | None) -> str:
    return f"{path[:200]!r}" + (f" ({target[:200]!r})" if target is not None else "")
