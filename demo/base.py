"""A small base image with glibc, made of this machine's own loader and shared libraries; no root, no download."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from demo.channel import ROOT
from demo.interpreter import NotHere, extension_modules, interpreter_identity, interpreter_program
from python_docker.files.lock import locked
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.spec.platform import Platform
from python_docker.tar import EntryType, TarEntry
from python_docker.transports import write_image

_PRINTED_BY_LDD = re.compile(r"^\s*(?:\S+ => )?(?P<path>/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
# What wheels may expect of every machine (PEP 600 and the profiles of the manylinux project), screens aside.
_EXPECTED_BY_WHEELS = (
    *("libgcc_s.so.1", "libstdc++.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libc.so.6", "libnsl.so.1"),
    *("libutil.so.1", "libpthread.so.0", "libresolv.so.2", "libz.so.1", "libexpat.so.1", "libatomic.so.1"),
)
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/os-release": 'ID=conda-docker-demo\nNAME="conda-docker demo"\nPRETTY_NAME="conda-docker demo"\n',
}
_FOLDERS = {"dev": 0o755, "proc": 0o755, "root": 0o700, "run": 0o755, "sys": 0o755, "tmp": 0o1777, "var/tmp": 0o1777}
_MTIME = 1_700_000_000


def make_base(root: Path = ROOT) -> Path:
    """Return an OCI layout with the base image under the tag `latest`; kept in `root` and given again the next time.

    Its file system is the loader, the libraries that this machine's Python and wheels need, and, where a static
    busybox is installed, a shell. Raises `NotHere` when the Python here is not linked to shared libraries of a glibc.
    """
    layout = root / f"base-{interpreter_identity()}"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "lock", timeout=1200):
        if not (layout / "index.json").is_file():
            write_image(base_image(), f"oci:{layout}:latest")
    return layout


def base_image() -> Image:
    """Return the image itself."""
    entries = {entry.path: (entry, content) for entry, content in _entries()}
    with build_layer(parent_mtime=_MTIME) as builder:
        for _, (entry, content) in sorted(entries.items()):
            if isinstance(content, Path):
                with content.open("rb") as stream:
                    builder.add(entry, stream)
            else:
                builder.add(entry, content)
    assert builder.layer is not None
    image = Image("conda-docker-demo-base", "latest", [builder.layer], platform=Platform.host())
    image.config["Env"] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    if static_busybox() is not None:
        image.config["Cmd"] = ["/bin/sh"]
    return image


def _entries() -> Iterator[tuple[TarEntry, bytes | Path]]:
    for path, mode in _FOLDERS.items():
        yield TarEntry(path, EntryType.DIRECTORY, mode, 0, _MTIME), b""
    for path, text in _FILES.items():
        yield TarEntry(path, size=len(text), mtime=_MTIME), text.encode()
    for path, source in shared_libraries().items():
        status = source.stat()
        yield TarEntry(path, mode=0o755, size=status.st_size, mtime=int(status.st_mtime)), source
    busybox = static_busybox()
    if busybox is None:
        return
    status = busybox.stat()
    yield TarEntry("bin/busybox", mode=0o755, size=status.st_size, mtime=int(status.st_mtime)), busybox
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            yield TarEntry(f"bin/{applet}", EntryType.SYMLINK, 0o777, 0, _MTIME, "busybox"), b""
    yield TarEntry("usr/bin/env", EntryType.SYMLINK, 0o777, 0, _MTIME, "../../bin/busybox"), b""


def shared_libraries() -> dict[str, Path]:
    """Return the loader and the shared libraries that this Python and its modules load: path in the image -> file.

    The libraries all go where libc is, which is where the loader looks without being told.
    """
    printed = ""
    # A container has no screen: Tk would bring all of X with it.
    modules = [path for path in extension_modules() if not path.name.startswith("_tkinter")]
    for program in (interpreter_program(), *modules):
        printed += subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    paths = {Path(path) for path in _PRINTED_BY_LDD.findall(printed)}
    loaders = [path for path in paths if path.name.startswith(("ld-linux", "ld64"))]
    libc = next((path for path in paths if path.name == "libc.so.6"), None)
    if libc is None or not loaders:
        raise NotHere(f"ldd finds no glibc behind {interpreter_program()}; the base image would be empty")
    own = sysconfig.get_config_var("INSTSONAME")
    found = {path.name: path for path in paths if path not in loaders and path.name != own}
    for name in _EXPECTED_BY_WHEELS:
        for folder in (libc.parent, Path("/usr") / libc.parent.relative_to("/")):
            if (folder / name).is_file():
                found.setdefault(name, folder / name)
    files = {str(path).lstrip("/"): path.resolve() for path in loaders}
    return files | {f"{libc.parent}/{name}".lstrip("/"): path.resolve() for name, path in found.items()}


def static_busybox() -> Path | None:
    """Return the busybox of this machine, if it runs without shared libraries."""
    found = shutil.which("busybox", path="/bin:/usr/bin:/usr/local/bin")
    if found is None:
        return None
    with open(found, "rb") as file:  # noqa: PTH123
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return None
        (table_offset,) = struct.unpack_from("<Q", header, 32)
        entry_size, entries = struct.unpack_from("<HH", header, 54)
        file.seek(table_offset)
        table = file.read(entry_size * entries)
    interpreter_segment = 3
    types = (struct.unpack_from("<I", table, number * entry_size)[0] for number in range(entries))
    return None if interpreter_segment in types else Path(found)
