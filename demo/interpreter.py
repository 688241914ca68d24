"""The Python that runs this, as a conda package: its program, its library and its standard library, relocatable."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from demo.conda_package import PLACEHOLDER, Recipe, write_package

VERSION = ".".join(map(str, sys.version_info[:2]))
"""Such as "3.12"; the packages of a channel are made for this one."""

SITE_PACKAGES = f"lib/python{VERSION}/site-packages"
"""Where packages are in a prefix."""

_SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64", "ppc64le": "linux-ppc64le", "s390x": "linux-s390x"}
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "__pycache__", "EXTERNALLY-MANAGED"}
# Debian's Python installs packages elsewhere, and looks for them elsewhere still: by a module that is frozen into it.
_DEBIAN_SCHEME = ("prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
_SITE_CUSTOMIZE = f"""\
import os, site, sys
site.addsitedir(os.path.join(sys.prefix, {SITE_PACKAGES!r}))
"""
_SHARED_OBJECT = re.compile(r"\.so(\.[0-9.]+)?$")
# Prefixes that other software shares: there, only what is about Python can be told to be about this prefix.
_SHARED_PREFIXES = ("/usr", "/usr/local")


class NotHere(RuntimeError):
    """This machine has not what the demonstration needs; the message says what."""


def subdir() -> str:
    """Return the subdir for packages of this machine, such as "linux-64". Raises `NotHere` where it is not Linux."""
    name = _SUBDIRS.get(platform.machine())
    if sys.platform != "linux" or name is None:
        raise NotHere(
            "the demonstration makes its packages from this machine's Python, so it needs Linux on one of "
            f"{', '.join(_SUBDIRS)}; this is {sys.platform} on {platform.machine()}"
        )
    return name


def interpreter_program() -> Path:
    """Return the program of this Python itself, not a virtual environment's link to it."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def interpreter_identity() -> str:
    """Return a short name that differs between Pythons: what is made of one is of no use to the next."""
    text = "\0".join((sys.version, str(interpreter_program()), platform.machine()))
    return f"python{VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def extension_modules() -> list[Path]:
    """Return the shared objects of the standard library."""
    return sorted((Path(sysconfig.get_path("stdlib")) / "lib-dynload").glob("*.so"))


def package_interpreter(channel: Path, stage: Path) -> Path:
    """Write the package `python` into `channel`, through the new folder `stage`, and return the archive."""
    base = Path(sys.base_prefix).resolve()
    standard_library = Path(sysconfig.get_path("stdlib")).resolve()
    library = standard_library.relative_to(base)
    shutil.copytree(standard_library, stage / library, symlinks=True, ignore=_left_out)
    _inline_links_out(stage / library, standard_library)
    _undo_debian(stage / library)

    binaries = stage / "bin"
    binaries.mkdir()
    program = binaries / f"python{VERSION}"
    shutil.copy2(interpreter_program(), program)
    for name in ("python3", "python"):
        _link(binaries / name, program)
    for name in (f"pydoc{VERSION}", f"python{VERSION}-config"):
        if (base / "bin" / name).is_file():
            shutil.copy2(base / "bin" / name, binaries / name)

    headers = Path(sysconfig.get_path("include")).resolve()
    if headers.is_dir() and headers.is_relative_to(base):
        shutil.copytree(headers, stage / headers.relative_to(base), symlinks=True)
    shared = _copy_shared_library(base, stage)
    _set_runpaths(stage, program, shared)
    _set_placeholder(stage, str(base))
    compile_modules(stage)
    timestamp = max(int(path.lstat().st_mtime) for path in stage.rglob("*") if path.is_file())
    recipe = Recipe(
        name="python",
        version=platform.python_version(),
        build="0_cpython",
        subdir=subdir(),
        timestamp=timestamp,
        about={"license": "Python-2.0", "summary": "The Python of the machine that made this channel"},
    )
    return write_package(recipe, stage, channel)


def compile_modules(stage: Path) -> None:
    """Byte-compile every module below `stage`/lib*, as packages that are not `noarch` bring it.

    Modules that do not compile, and those that linking will change, stay without.
    """
    folders = [str(folder) for folder in stage.glob("lib*") if folder.is_dir() and not folder.is_symlink()]
    command = [sys.executable, "-W", "ignore", "-m", "compileall", "-qq", "-j", "0", "-s", str(stage), *folders]
    # Exit code 1: some module could not be compiled, which the tests of compilers bring on purpose.
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    for compiled in stage.rglob("__pycache__/*.pyc"):
        source = compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py"
        if PLACEHOLDER.encode() in source.read_bytes():
            compiled.unlink()
        else:
            os.utime(compiled, (source.stat().st_mtime,) * 2)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Return what a container has no use for: other packages, tests, compiled modules, static libraries."""
    return {name for name in names if name in _LEFT_OUT or name.endswith((".a", ".pyc"))}


def _inline_links_out(copy: Path, original: Path) -> None:
    """Put files in the place of links that lead out of the standard library: Debian keeps some below /etc."""
    for path in copy.rglob("*"):
        if not path.is_symlink():
            continue
        target = (original / path.relative_to(copy)).resolve()
        if not target.is_relative_to(original):
            path.unlink()
            if target.is_file():
                shutil.copy2(target, path)


def _undo_debian(library: Path) -> None:
    """Have this copy of the standard library keep packages where other Pythons do."""
    theirs, usual = _DEBIAN_SCHEME
    for path in (library / "sysconfig.py", library / "sysconfig" / "__init__.py"):
        if path.is_file() and theirs in (text := path.read_text()):
            status = path.stat()
            path.write_text(text.replace(theirs, usual))
            customize = library / "sitecustomize.py"
            customize.write_text(_SITE_CUSTOMIZE)
            for changed in (path, customize):
                os.utime(changed, (status.st_mtime, status.st_mtime))


def _copy_shared_library(base: Path, stage: Path) -> Path | None:
    """Copy libpython with its links, if this Python has one within its prefix; return its folder in `stage`."""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return None
    name, folder = sysconfig.get_config_var("INSTSONAME"), Path(sysconfig.get_config_var("LIBDIR")).resolve()
    if not (folder / name).is_file():
        folder /= sysconfig.get_config_var("MULTIARCH") or ""
    if not (folder / name).is_file() or not folder.is_relative_to(base):
        raise NotHere(f"this Python wants the shared library {name}, which is not where it says: {folder}")
    target = stage / folder.relative_to(base)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / name, target / name)
    _link(target / f"libpython{VERSION}.so", target / name)
    return target


def _link(path: Path, target: Path) -> None:
    """Make a link in the target's folder, as old as the target."""
    path.symlink_to(target.name)
    os.utime(path, (target.stat().st_mtime,) * 2, follow_symlinks=False)


def _set_runpaths(stage: Path, program: Path, shared: Path | None) -> None:
    """Have the loader look for libpython next to the program, wherever the prefix is."""
    patchelf = _patchelf()
    if shared is not None:
        _patch(patchelf, program, f"$ORIGIN/{os.path.relpath(shared, program.parent)}")
    for path in stage.rglob("*"):
        if path == program or path.is_symlink() or not _SHARED_OBJECT.search(path.name):
            continue
        if subprocess.run([patchelf, "--print-rpath", path], capture_output=True, check=True).stdout.strip():
            _patch(patchelf, path, f"$ORIGIN/{os.path.relpath(shared or stage / 'lib', path.parent)}")


def _patch(patchelf: str, path: Path, runpath: str) -> None:
    status = path.stat()
    path.chmod(0o755)
    subprocess.run([patchelf, "--set-rpath", runpath, path], capture_output=True, check=True)
    os.utime(path, (status.st_mtime, status.st_mtime))
    path.chmod(status.st_mode & 0o777)


def _patchelf() -> str:
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    found = shutil.which("patchelf", path=os.pathsep.join(folders))
    if found is None:
        raise NotHere("the program patchelf is missing (it is in the dependency group `demo`)")
    return found


def _set_placeholder(stage: Path, base: str) -> None:
    """Write the placeholder in the place of this Python's prefix, in text files."""
    pattern = re.compile(re.escape(base.encode()) + rb"(?![\w.-])")
    if base in _SHARED_PREFIXES:
        about_python = rb"(?=/(?:bin|lib\d*|include|share)/(?:[\w.-]+/)*(?:lib)?(?:python|pkgconfig))"
        pattern = re.compile(rb"(?<![\w/.-])" + re.escape(base.encode()) + about_python)
    for path in stage.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 4 << 20:
            continue
        content = path.read_bytes()
        if base.encode() not in content or b"\0" in content:
            continue
        status = path.stat()
        path.chmod(0o755)
        path.write_bytes(pattern.sub(PLACEHOLDER.encode(), content))
        path.chmod(status.st_mode & 0o777)
        os.utime(path, (status.st_mtime, status.st_mtime))
