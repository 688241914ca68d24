"""The program that runs another in namespaces of its own: no network, no files but those it is given, no capabilities.

It runs by itself, `python -I -S enter.py PLAN -- PROGRAM ...`, in a folder that is empty, and imports nothing of this
project. PLAN is what `namespaces.py` makes of a `View`, in one argument or several. It ends with the exit code of the
program, or 128 and the number of the signal that ended it, as bubblewrap and shells do; with 125, and the reason, where
there can be no sandbox.

Three processes, each the parent of the next:

    outside   made the namespaces, and waits; killed, it takes the others along
    first     is process 1 of the sandbox, in its file system and without capabilities; when it ends, the kernel ends
              all others. The program is not it: signals that end any other process do not end process 1.
    program   what was asked for

Nothing of the program's runs before everything is given up. Sources: user_namespaces(7), mount_namespaces(7),
pivot_root(2) ("pivot_root(\".\", \".\")"), capabilities(7), <linux/mount.h>, <linux/prctl.h>, <linux/sched.h>.
"""

# pathlib and contextlib are not worth the time to import them here.
# ruff: noqa: PTH101, PTH102, PTH109, PTH113, PTH123, PTH211, SIM105

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import stat
import struct
import sys

if sys.platform == "linux":  # every module can be imported everywhere
    import fcntl  # before there is another file system, like all that is needed

TYPE_CHECKING = False  # typing is slow to import
if TYPE_CHECKING:
    from typing import NoReturn, TypedDict

    class Plan(TypedDict):
        """What a program sees, see `View`; each of `mounts` is a source, a place and whether it is writable."""

        variables: dict[str, str]
        ids: list[int]
        network: bool
        links: list[list[str]]
        mounts: list[tuple[str, str, bool]]
        temporary: list[str]
        devices: bool
        working_folder: str


_NO_SANDBOX = 125
_NOT_STARTED = 127

_NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x08000000 | 0x04000000 | 0x02000000
"""Of users, mounts, processes, IPC, host names and control groups."""
_NETWORK_NAMESPACE = 0x40000000

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _REC, _PRIVATE = 1 << 5, 1 << 12, 1 << 14, 1 << 18
_OWN_FLAGS = {b"ro": _RDONLY, b"nosuid": _NOSUID, b"nodev": _NODEV, b"noexec": _NOEXEC, b"noatime": 1 << 10} | {
    b"nodiratime": 1 << 11,
    b"relatime": 1 << 21,
}
"""What a mount from outside must keep, as mountinfo has it (proc(5))."""
_DETACH = 2

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_READ, _CAPBSET_DROP, _SET_SECUREBITS = 1, 4, 23, 24, 28
_SET_NO_NEW_PRIVS, _CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_SECUREBITS = 0xEF
"""Root is nobody special (NOROOT), IDs change no capabilities, none is kept or becomes ambient; all of it for good."""
_CAPABILITY_VERSION = 0x20080522

_SET_INTERFACE_FLAGS, _IS_UP = 0x8914, 1
_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


def main() -> NoReturn:
    """Run the program of the plan in a sandbox, and end as it does."""
    end = sys.argv.index("--")
    plan: Plan = json.loads("".join(sys.argv[1:end]))
    try:
        _enter_namespaces(plan)
    except OSError as error:
        _give_up(error)
    alive, held = os.pipe()
    first = os.fork()
    if first:
        os.close(alive)
        os.closerange(0, 3)
        _end_as(os.waitpid(first, 0)[1])
    try:
        os.close(held)
        _die_with_parent(alive)
        os.setsid()
        _make_file_system(plan)
        if not plan["network"]:
            _start_loopback()
        _give_everything_up()
    except OSError as error:
        _give_up(error)
    _run(plan, sys.argv[end + 1 :])


def _enter_namespaces(plan: Plan) -> None:
    user, group = os.getuid(), os.getgid()
    _call("unshare", ctypes.c_int(_NAMESPACES | (0 if plan["network"] else _NETWORK_NAMESPACE)))
    # From now on, whoever started this ends it by ending.
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    inside = plan["ids"]
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside[0]} {user} 1"),
        ("gid_map", f"{inside[1]} {group} 1"),
    ):
        _write(f"/proc/self/{name}", text)
    _call("sethostname", b"localhost", ctypes.c_size_t(9))
    try:
        # No namespaces in the sandbox: in one of its own, a program is full of capabilities again.
        _write("/proc/sys/user/max_user_namespaces", "0")
    except OSError:
        pass  # read-only in some containers, and what is locked stays locked in them


def _die_with_parent(alive: int) -> None:
    """End with the parent, also when that has ended already: nobody holds the other end of `alive` then."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    os.set_blocking(alive, False)
    try:
        os.read(alive, 1)
    except BlockingIOError:
        return
    os._exit(_NO_SANDBOX)


def _make_file_system(plan: Plan) -> None:
    """Put together what the program sees, over the empty working folder, and make that the root of all there is."""
    _mount(None, "/", None, _REC | _PRIVATE)
    root = os.getcwd()
    if os.listdir(root):
        raise OSError(f"{root} is not empty")
    if all(place != "/" for _, place, _ in plan["mounts"]):
        _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755")
    # What is beneath is mounted first.
    for source, place, writable in sorted(plan["mounts"], key=lambda mount: mount[1]):
        _bind(source, _mount_point(root, place, is_file=os.path.isfile(source)), writable)
    for place, target in plan["links"]:
        os.symlink(target, root + place)
    for place in plan["temporary"]:
        _mount("tmpfs", _mount_point(root, place), "tmpfs", _NOSUID | _NODEV, "mode=1777")
    if plan["devices"]:
        # Read-only: what is below /proc/sys belongs to whoever is root outside, with capabilities or without.
        _mount("proc", _mount_point(root, "/proc"), "proc", _NOSUID | _NODEV | _NOEXEC | _RDONLY)
        _make_devices(_mount_point(root, "/dev"))
    if all(place != "/" for _, place, _ in plan["mounts"]):
        _mount(None, root, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    os.chdir(root)
    # The new root and the old one are both mounted at /, the old one on top, until it is gone.
    _call("pivot_root", b".", b".")
    _call("umount2", b".", ctypes.c_int(_DETACH))
    os.chdir("/")


def _mount_point(root: str, place: str, *, is_file: bool = False) -> str:
    """Return where to mount what is to be at `place`, which is made if it is not there. Links lead nowhere."""
    path = root
    for part in filter(None, place.split("/")):
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            if is_file and path == root + place:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o444))
                continue
            os.mkdir(path, 0o755)
        else:
            if stat.S_ISLNK(mode):
                raise OSError(f"{place} is a link in the sandbox")
    return path


def _bind(source: str, target: str, writable: bool) -> None:
    """Show a folder or file of this machine, with all that is mounted in it."""
    _mount(source, target, None, _BIND | _REC)
    with open("/proc/self/mountinfo", "rb") as file:
        mounts = [line.split(b" ")[4:6] for line in file]
    for point, options in mounts:
        path = os.fsdecode(_unescaped(point))
        if path == target or path.startswith(target + "/"):
            flags = _NOSUID | _NODEV | (0 if writable else _RDONLY)
            for option in options.split(b","):
                flags |= _OWN_FLAGS.get(option, 0)
            try:
                _mount(None, path, None, _REMOUNT | _BIND | flags)
            except PermissionError as error:
                if path == target or error.errno != errno.EACCES:
                    raise
                # Mounted in it, and not to be looked into by this user: so not in the sandbox, either.


def _unescaped(point: bytes) -> bytes:
    """Return a path as it is: mountinfo has blanks and backslashes as three octal digits (proc(5))."""
    first, *rest = point.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)


def _make_devices(folder: str) -> None:
    _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV | _NOEXEC, "mode=755")
    for name in _DEVICES:
        path = f"{folder}/{name}"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o444))
        _mount(f"/dev/{name}", path, None, _BIND)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/{target}", f"{folder}/{name}")
    os.mkdir(f"{folder}/shm")
    os.chmod(f"{folder}/shm", 0o1777)  # noqa: S103 -- as everywhere


def _start_loopback() -> None:
    """Have the sandbox's own 127.0.0.1 answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _IS_UP))


def _give_everything_up() -> None:
    """Give up all capabilities, and every way to new ones."""
    # Nobody may look into this process, whose program and libraries are this machine's.
    _prctl(_SET_DUMPABLE, 0)
    number = 0
    while _library().prctl(_CAPBSET_READ, ctypes.c_ulong(number), *_unused(3)) >= 0:
        _prctl(_CAPBSET_DROP, number)
        number += 1
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    _prctl(_SET_SECUREBITS, _SECUREBITS)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _call("capset", header, bytes(24))
    _prctl(_SET_NO_NEW_PRIVS, 1)


def _run(plan: Plan, command: list[str]) -> NoReturn:
    """Start the program, and wait for it as process 1: for whatever else it has started, too."""
    for name in ("SIGINT", "SIGPIPE", "SIGXFSZ"):  # as Python found them
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    program = os.fork()
    if not program:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        try:
            os.chdir(plan["working_folder"])
            # LC_CTYPE is what Python sets where nobody says anything of languages (PEP 538).
            given = {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}
            os.execve(command[0], command, given | plan["variables"])  # noqa: S606
        except (OSError, ValueError) as error:
            os.write(2, f"cannot start {command[0]}: {error}\n".encode(errors="backslashreplace"))
        os._exit(_NOT_STARTED)
    os.closerange(0, 3)
    while True:
        ended, status = os.wait()
        if ended == program:
            _end_as(status)


def _end_as(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _give_up(error: OSError) -> NoReturn:
    words = ": ".join(str(word) for word in (error.strerror or error, error.filename) if word is not None)
    os.write(2, f"cannot make a sandbox: {words}\n".encode(errors="backslashreplace"))
    os._exit(_NO_SANDBOX)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = (None if text is None else os.fsencode(text) for text in (source, target, kind))
    shown = None if options is None else options.encode()
    _call("mount", *texts, ctypes.c_ulong(flags), shown, about=target)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    _call("prctl", ctypes.c_int(option), ctypes.c_ulong(value), *_unused(3))


def _unused(count: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(0)] * count


def _call(name: str, *arguments: object, about: str = "") -> None:
    """Call a function of the C library. Raises `OSError`."""
    if getattr(_library(), name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}", *([about] if about else []))


if __name__ == "__main__":
    main()
