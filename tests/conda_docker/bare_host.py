"""A host without what only Unix has: `python bare_host.py PROGRAM ARGS` runs a Python program as if on one.

As on Windows, there are no fork, no users and groups, no modes of files beyond read-only, no signals but a few, no
links without a privilege; locks come from msvcrt, folders cannot be opened, and an open file can be neither renamed nor
removed. `os.name` and `os.sep` stay: pathlib would take them for those of paths.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import shutil
import signal
import sys
import types
from typing import Any

ABSENT_MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog")
ABSENT_IN_OS = (
    *("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getlogin", "setsid", "killpg"),
    *("chown", "lchown", "fchown", "fchmod", "mkfifo", "mknod", "sched_getaffinity", "sched_setaffinity", "uname"),
    *("pread", "pwrite", "preadv", "sendfile", "copy_file_range", "posix_fadvise", "posix_fallocate", "memfd_create"),
    *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_SYNC", "getxattr"),
)
KNOW_WINDOWS = (
    *("asyncio", "ctypes", "logging.handlers", "multiprocessing", "shutil", "socketserver", "subprocess", "tempfile"),
    *("uuid", "webbrowser", "click", "docker", "platformdirs", "rattler", "rich.progress", "urllib3", "uv"),
    "uvicorn",
)
"""Modules of others, which would do there what cannot be done here: they are imported first."""
ABSENT_SIGNALS = ("SIGHUP", "SIGKILL", "SIGPIPE", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGTSTP")


def become_bare() -> None:
    """Take away what Windows does not have; whoever has imported it already keeps it."""
    for name in KNOW_WINDOWS:
        importlib.import_module(name)
    multiprocessing.set_start_method("spawn")
    sys.modules["msvcrt"] = _msvcrt()
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ABSENT_IN_OS:
        if hasattr(os, name):
            delattr(os, name)
    for name in ABSENT_SIGNALS:
        delattr(signal, name)
    os.symlink = _no_symlink  # type: ignore[assignment]
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    os.open = _files_only(os.open)
    os.replace = _closed_only(os.replace)
    os.rename = _closed_only(os.rename)
    os.unlink = _closed_only(os.unlink)
    os.remove = os.unlink
    sys.platform = "win32"

    from python_docker.files import renaming

    renaming.MUST_BE_CLOSED = True


def _msvcrt() -> types.ModuleType:
    import fcntl

    module = types.ModuleType("msvcrt")
    made: Any = module
    made.LK_NBLCK, made.LK_UNLCK = 2, 0

    def locking(number: int, mode: int, _count: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN if mode == made.LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB)

    made.locking = locking
    return module


def _no_symlink(source: str, target: str, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
    raise OSError(1314, "A required privilege is not held by the client", source)


def _files_only(function: Any) -> Any:
    """Return a function that refuses, as Windows does, to open a folder."""

    def checked(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        # Files without a name are how Linux makes temporary ones; Windows has its own way.
        if os.path.isdir(path) and flags & os.O_TMPFILE != os.O_TMPFILE:  # noqa: PTH112 -- may be bytes
            raise PermissionError(13, "Permission denied", path)
        return int(function(path, flags, *arguments, **options))

    return checked


def _closed_only(function: Any) -> Any:
    """Return a function that refuses, as Windows does, to rename or remove what this process has open."""

    def checked(*paths: Any, **options: Any) -> None:
        for path in paths:
            try:
                there = os.lstat(path)
            except OSError:
                continue
            for number in os.listdir("/proc/self/fd"):
                try:
                    if os.path.samestat(os.fstat(int(number)), there):
                        raise PermissionError(13, "The process cannot access the file: it is in use", path)
                except OSError as error:
                    if isinstance(error, PermissionError):
                        raise
        function(*paths, **options)

    return checked


if __name__ == "__main__":
    become_bare()
    program, sys.argv = sys.argv[1], sys.argv[1:]
    if program.endswith(".py"):
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
