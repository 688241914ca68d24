"""Packages that hypothesis makes up: any mix of files, links, placeholders and entry points that clients accept."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from conda_docker.package.extracted import path_order
from tests.conda_docker.packages import Entry, File, HardLink, Symlink, SyntheticPackage

PLACEHOLDER = "/build/" + "placehold_" * 5
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")

_names = st.sampled_from(["a", "b", "a-b", "a.b", "A", "é", "日本", "lib", "bin", "x.py", "y.sh", " ", "site-packages"])
_roots = st.sampled_from(
    ["", "bin/", "lib/", "site-packages/", "python-scripts/", "share/d-e/", "etc/conda/activate.d/"]
)
_modes = st.sampled_from([0o644, 0o755, 0o664, 0o600, 0o444, 0o711, 0o4755])
_times = st.integers(315532800, 2**33)
paths = st.builds(lambda root, parts: root + "/".join(parts), _roots, st.lists(_names, min_size=1, max_size=3))


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Bytes with placeholders among them, in one encoding, never back to back."""
    encoding = draw(st.sampled_from(ENCODINGS))
    words = st.sampled_from([PLACEHOLDER, PLACEHOLDER[:9], "/lib", "\0", "\n", "é", "Ā", "x" * 130, ":", "#!"])
    text = "".join(word + draw(st.sampled_from([":", "\0", " "])) for word in draw(st.lists(words, max_size=8)))
    start = (
        draw(st.sampled_from(["", f"#!{PLACEHOLDER}/bin/python3 -E\n", "#!/bin/sh\n"])) if encoding == "utf-8" else ""
    )
    return (start + text + draw(st.sampled_from(["", "\0", "tail"]))).encode(encoding)


files = st.builds(
    File,
    contents() | st.binary(max_size=40),
    mode=_modes,
    mtime=_times,
    placeholder=st.none() | st.just(PLACEHOLDER),
    file_mode=st.sampled_from(["text", "binary"]),
    no_link=st.booleans(),
)
links = st.builds(
    Symlink, st.sampled_from(["a", "../lib", "/etc/passwd", "../../../out", PLACEHOLDER, "é"]), mtime=_times
)


@st.composite
def packages(draw: st.DrawFn) -> SyntheticPackage:
    """A package named `a` that clients install, perhaps `noarch: python`."""
    noarch = draw(st.sampled_from([None, "generic", "python"]))
    entries: dict[str, Entry] = {}
    for path in sorted(set(draw(st.lists(paths, max_size=8))), key=path_order):
        # A path that is a folder of another one cannot be a file too, wherever it is installed.
        if path == "site-packages" or any(_nested(path, other) for other in [*entries, "bin/python3.12"]):
            continue
        originals = [name for name, entry in entries.items() if isinstance(entry, File)]
        kind = draw(st.sampled_from(["file", "file", "file", "link", "hard"]))
        if kind == "hard" and originals:
            target = draw(st.sampled_from(originals))
            entry = entries[target]
            assert isinstance(entry, File)
            same = draw(st.booleans())
            placeholder = entry.placeholder if same else draw(st.none() | st.just(PLACEHOLDER))
            entries[path] = HardLink(target, entry.mode, entry.mtime, placeholder, entry.file_mode)
        else:
            entries[path] = draw(links) if kind == "link" else draw(files)
    package = SyntheticPackage(
        name="a",
        noarch=noarch,
        depends=["python"] if noarch == "python" else [],
        timestamp=draw(st.none() | st.just(1700000000123)),
        files=entries,
        # A line of info/files is stripped, and without one there is no such file.
        legacy_paths=draw(st.booleans()) and len(entries) > 1 and not any(path != path.strip() for path in entries),
        unlisted=draw(st.lists(st.sampled_from(sorted(entries)), max_size=1)) if entries else (),
    )
    if noarch == "python":
        commands = draw(st.lists(st.sampled_from(["run", "a b", "é"]), unique=True, max_size=2))
        # rattler writes an entry point through a link of the same name into whatever that leads to.
        free = [command for command in commands if not any(_nested(f"bin/{command}", path) for path in entries)]
        package = replace(package, entry_points=[f"{command} = m.n:f.g" for command in free])
    return package


def _nested(path: str, other: str) -> bool:
    return any(
        longer.startswith(shorter + "/") or longer == shorter
        for first in _places(path)
        for second in _places(other)
        for longer, shorter in ((first, second), (second, first))
    )


def _places(path: str) -> tuple[str, ...]:
    """Where a path is, and where it goes if the package is `noarch: python`."""
    mapped = path.replace("python-scripts/", "bin/", 1) if path.startswith("python-scripts/") else path
    if path.startswith("site-packages/"):
        mapped = "lib/python3.12/" + path
    return path, mapped
