"""Packages of every kind that clients install, made by hand: each is linked here and by rattler."""

from __future__ import annotations

import tarfile

from tests.conda_docker.packages import MTIME, File, Folder, HardLink, Symlink, SyntheticPackage

LONG = "/build/" + "placehold_" * 24
TEXT = f"#!{LONG}/bin/sh\nexport HOME={LONG}\n".encode()
STRINGS = f"aa:{LONG}/lib:{LONG}/lib64\0tail\0".encode()

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python", mode=0o755)})
FREE_THREADED = SyntheticPackage(
    name="python",
    version="3.13.0",
    build="0_cp313t",
    python_site_packages_path="lib/python3.13t/site-packages",
    files={"bin/python3.13": File(b"python", mode=0o755)},
)


def member(
    path: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.size, info.mtime = kind, link, len(content), MTIME
    return info, content


def listed(path: str, **fields: object) -> dict[str, object]:
    return {"_path": path, "path_type": "hardlink", **fields}


KINDS: dict[str, list[SyntheticPackage]] = {
    "nothing": [SyntheticPackage(name="a")],
    "plain files": [SyntheticPackage(name="a", files={"bin/a": File(b"a", mode=0o755), "lib/b": b"", "c": "c"})],
    "modes": [
        SyntheticPackage(
            name="a",
            files={
                f"m{mode:o}": File(b"x", mode=mode)
                for mode in (0o600, 0o444, 0o711, 0o654, 0o664, 0o775, 0o777, 0o4755, 0o2755, 0o1644)
            },
        )
    ],
    "patched modes": [
        SyntheticPackage(
            name="a", files={f"m{mode:o}": File(TEXT, mode=mode, placeholder=LONG) for mode in (0o444, 0o755, 0o4755)}
        )
    ],
    "names": [
        SyntheticPackage(
            name="a",
            files={
                path: path
                for path in (
                    "a-b/x",
                    "a/b",
                    "a.b",
                    "A/b",
                    "a b/c d",
                    "é/ü",
                    "日本",
                    "q'\"uote",
                    "back\\slash",
                    "new\nline",
                    "tab\t",
                    "d/" * 60 + "deep",
                    "n" * 200,
                    "\x7f",
                    "\u2028",
                    "😀",
                    "#",
                    "%41",
                    "~",
                    "a~b",
                    "[x]*?",
                )
            },
        )
    ],
    "names that differ in case": [SyntheticPackage(name="a", files={"lib/A.txt": "A", "lib/a.txt": "a", "LIB/a": "b"})],
    "text": [
        SyntheticPackage(
            name="a",
            files={
                "sh": File(TEXT, placeholder=LONG),
                "none": File(b"nothing to see", placeholder=LONG),
                "empty": File(b"", placeholder=LONG),
                "twice": File(f"{LONG}{LONG}".encode(), placeholder=LONG),
                "end": File(f"x{LONG}".encode(), placeholder=LONG),
                "cut": File(f"x{LONG[:-1]}".encode(), placeholder=LONG),
                "bytes": File(b"\xff\xfe" + TEXT + b"\0\xff", placeholder=LONG),
            },
        )
    ],
    "wide text": [
        SyntheticPackage(
            name="a",
            files={
                encoding: File(f"x {LONG}/bin é {LONG}\n".encode(encoding), placeholder=LONG)
                for encoding in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32")
            },
        )
    ],
    "short placeholder": [SyntheticPackage(name="a", files={"f": File(b"a /p b /p", placeholder="/p")})],
    "self-overlapping placeholder": [
        SyntheticPackage(
            name="a",
            files={
                "text": File(b"/a/a/a/a/a x/a/a", placeholder="/a/a"),
                "binary": File(
                    b"/aaaaaaaaaaa/aaaaaaaaaaa/aaaaaaaaaaa\0x\0", placeholder="/aaaaaaaaaaa", file_mode="binary"
                ),
            },
        )
    ],
    "binary": [
        SyntheticPackage(
            name="a",
            files={
                "strings": File(STRINGS, mode=0o755, placeholder=LONG, file_mode="binary"),
                "none": File(b"\0\1\2", placeholder=LONG, file_mode="binary"),
                "empty": File(b"", placeholder=LONG, file_mode="binary"),
                "unterminated": File(f"x{LONG}/lib".encode(), placeholder=LONG, file_mode="binary"),
                "unterminated after": File(f"x{LONG}/a\0{LONG}/lib".encode(), placeholder=LONG, file_mode="binary"),
                "adjacent": File(f"{LONG}\0{LONG}\0\0{LONG}{LONG}\0z".encode(), placeholder=LONG, file_mode="binary"),
                "shebang": File(TEXT, placeholder=LONG, file_mode="binary"),
            },
        )
    ],
    "wide binary": [
        SyntheticPackage(
            name="a",
            files={
                encoding: File(
                    f"head\0x{LONG}/lib:{LONG}/é\0tail\0\0{LONG}\0".encode(encoding),
                    placeholder=LONG,
                    file_mode="binary",
                )
                for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
            },
        )
    ],
    "placeholders that are not used": [
        SyntheticPackage(
            name="a",
            files={
                "empty": File(TEXT, placeholder=""),
                "no mode": File(TEXT, placeholder=LONG, file_mode=None),
                "unknown mode": File(TEXT, placeholder=LONG, file_mode="weird"),
            },
        )
    ],
    "symbolic links": [
        SyntheticPackage(
            name="a",
            files={
                "lib/f": "f",
                "lib/g": Symlink("f"),
                "lib64": Symlink("lib"),
                "absolute": Symlink("/etc/passwd"),
                "dangling": Symlink("nowhere"),
                "outside": Symlink("../../outside"),
                "build": Symlink(f"{LONG}/lib/f"),
                "unicode": Symlink("é"),
                "self": Symlink("self"),
            },
        )
    ],
    "hard links": [
        SyntheticPackage(
            name="a",
            files={
                "bin/f": File(b"f", mode=0o755),
                "bin/g": HardLink("bin/f", mode=0o755),
                "bin/h": HardLink("bin/g", mode=0o755),
                "lib/f": HardLink("bin/f", mode=0o755),
            },
        )
    ],
    "patched hard links": [
        SyntheticPackage(
            name="a",
            files={
                "bin/f": File(TEXT, mode=0o755, placeholder=LONG),
                "bin/g": HardLink("bin/f", mode=0o755, placeholder=LONG),
                "bin/h": HardLink("bin/f", mode=0o755),
            },
        )
    ],
    "hard link to an unlisted file": [
        SyntheticPackage(name="a", files={"f": "content", "g": HardLink("f"), "h": HardLink("f")}, unlisted=["f"])
    ],
    "empty folders": [SyntheticPackage(name="a", files={"empty": Folder(), "x/y/z": Folder(mode=0o700), "f": "f"})],
    "no_link": [
        SyntheticPackage(
            name="a", files={"f": File(b"x", no_link=True), "g": File(TEXT, placeholder=LONG, no_link=True)}
        )
    ],
    "unlisted members": [
        SyntheticPackage(name="a", files={"f": "f", "g": "g", "h": Symlink("f")}, unlisted=["g", "h"])
    ],
    "noarch python": [
        PYTHON,
        SyntheticPackage(
            name="np",
            noarch="python",
            depends=["python"],
            files={
                "site-packages/m/__init__.py": "import this",
                "site-packages/m-1.0.dist-info/RECORD": "",
                "python-scripts/s": File(TEXT, mode=0o755, placeholder=LONG),
                "bin/native": File(b"n", mode=0o755),
                "etc/x": "x",
                "share/site-packages/z": "z",
                "site-packages2/q": "q",
                "python-scripts2": "p",
                "site-packages/l": Symlink("m"),
            },
            entry_points=["cmd = m:main", "b=m.x:C.run", "with space = m:f", " c = m : f "],
        ),
    ],
    "noarch python without link.json": [
        PYTHON,
        SyntheticPackage(
            name="np", noarch="python", depends=["python"], files={"site-packages/m.py": ""}, info={"link.json": None}
        ),
    ],
    "free-threaded python": [
        FREE_THREADED,
        SyntheticPackage(
            name="np", noarch="python", depends=["python"], files={"site-packages/m.py": ""}, entry_points=["c = m:f"]
        ),
    ],
    "noarch generic": [
        SyntheticPackage(
            name="ng",
            noarch="generic",
            files={"site-packages/m.py": "", "python-scripts/s": ""},
            entry_points=["c = m:f"],
        )
    ],
    "noarch false": [SyntheticPackage(name="a", noarch=False, files={"f": "f"})],
    "noarch true": [SyntheticPackage(name="ng", noarch=True, subdir="noarch", files={"site-packages/m.py": ""})],
    "entry point over a file": [
        PYTHON,
        SyntheticPackage(
            name="np",
            noarch="python",
            depends=["python"],
            files={"python-scripts/cmd": File(b"own", mode=0o644), "site-packages/m.py": ""},
            entry_points=["cmd = m:f"],
        ),
    ],
    "scripts": [
        SyntheticPackage(
            name="a",
            files={
                "bin/.a-post-link.sh": File(b"touch $PREFIX/x", mode=0o755),
                "bin/.a-pre-unlink.sh": File(b"true", mode=0o755),
                "etc/conda/activate.d/a.sh": "export A=1",
                "etc/conda/env_vars.d/a.json": '{"A": "1"}',
            },
        )
    ],
    "metadata": [
        SyntheticPackage(
            name="a",
            timestamp=1600000000123,
            depends=["b >=1", "c"],
            index={
                "constrains": ["d <2"],
                "license": "BSD é",
                "license_family": "BSD",
                "track_features": "x y",
                "arch": "x86_64",
                "platform": "linux",
                "features": "f",
                "purls": ["pkg:pypi/a@1"],
                "unknown": 1,
                "preferred_env": None,
            },
            files={"f": "f"},
        ),
        SyntheticPackage(name="b"),
        SyntheticPackage(name="c"),
    ],
    "legacy": [
        SyntheticPackage(
            name="a",
            legacy_paths=True,
            files={
                "f": "f",
                "bin/x": File(TEXT, placeholder=LONG, mode=0o755),
                "lib/b": File(STRINGS, placeholder=LONG, file_mode="binary"),
                "default": File(
                    b"/opt/anaconda1anaconda2anaconda3/bin", placeholder="/opt/anaconda1anaconda2anaconda3"
                ),
                "l": Symlink("f"),
                "h": HardLink("f"),
                "n": File(b"n", no_link=True),
                "d": Symlink("gone"),
            },
        )
    ],
    "legacy noarch python": [
        PYTHON,
        SyntheticPackage(
            name="np",
            noarch="python",
            depends=["python"],
            legacy_paths=True,
            files={"site-packages/f.py": "f", "python-scripts/x": File(TEXT, placeholder=LONG, mode=0o755)},
            entry_points=["c=m:f"],
        ),
    ],
    "a default placeholder": [
        SyntheticPackage(
            name="a",
            files={"f": "/opt/anaconda1anaconda2anaconda3/bin"},
            info={"paths.json": None, "files": b"f\n\n", "has_prefix": b"f\n"},
        )
    ],
    "a member that comes again": [
        SyntheticPackage(name="a", files={"f": "first", "g": "g"}, more_members=[member("./f", content=b"last")])
    ],
    "a member that comes again as a link": [
        SyntheticPackage(name="a", files={"f": "first"}, more_members=[member("f", tarfile.SYMTYPE, link="x")])
    ],
    "a path that is listed twice": [
        SyntheticPackage(name="a", files={"f": "f"}, listed=[listed("f", size_in_bytes=7)])
    ],
    "a path that is listed twice, the second time with a placeholder": [
        SyntheticPackage(name="a", files={"f": TEXT}, listed=[listed("f", prefix_placeholder=LONG, file_mode="text")])
    ],
    "a link listed as a file": [
        SyntheticPackage(
            name="a",
            files={"f": "f"},
            more_members=[member("g", tarfile.SYMTYPE, link="f")],
            listed=[listed("g", sha256="0" * 64, size_in_bytes=99)],
        )
    ],
    "a link listed with its target's size": [
        SyntheticPackage(
            name="a",
            files={"f": "f"},
            more_members=[member("g", tarfile.SYMTYPE, link="f")],
            listed=[listed("g", path_type="softlink", sha256="0" * 64, size_in_bytes=99)],
        )
    ],
    "a wrong sha256 and size": [
        SyntheticPackage(
            name="a",
            files={"f": "f", "g": TEXT},
            unlisted=["f", "g"],
            listed=[
                listed("f", sha256="1" * 64, size_in_bytes=5),
                listed("g", sha256="1" * 64, size_in_bytes=5, prefix_placeholder=LONG, file_mode="text"),
            ],
        )
    ],
    "a sha256 in capitals": [
        SyntheticPackage(name="a", files={"f": "f"}, unlisted=["f"], listed=[listed("f", sha256="A" * 64)])
    ],
    "members written through a link": [
        SyntheticPackage(
            name="a",
            files={"lib/y": "y", "lib64": Symlink("lib"), "lib64/x": "x"},
            unlisted=["lib64/x"],
            listed=[listed("lib/x")],
        )
    ],
    "members that begin with a dot": [
        SyntheticPackage(name="a", files={"./f": "f"}, unlisted=["./f"], listed=[listed("f")])
    ],
    "two paths for one place": [
        PYTHON,
        SyntheticPackage(
            name="np",
            noarch="python",
            depends=["python"],
            files={
                "site-packages/x": "sp",
                "lib/python3.12/site-packages/x": "lib",
                "bin/y": "bin",
                "python-scripts/y": "ps",
            },
        ),
    ],
    "version spelled in capitals": [SyntheticPackage(name="a", version="1.0RC1", build="H_0", files={"f": "f"})],
}
