"""The program that starts another which cannot use the kernel's keys: `python -I -S without_keys.py PROGRAM ...`.

Tickets and passwords that are kept in keyrings (keyrings(7)) belong to a user and a session rather than to a
namespace, so a sandbox of namespaces does not hide them. A filter of system calls does, which everything that the
program starts inherits (seccomp(2), "Seccomp filter"); bubblewrap or `enter.py` do the rest.

It imports nothing of this project, and ends with 125, and the reason, where there can be no filter.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

_NO_SANDBOX = 125
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2

_X32 = 1 << 30
_ARM, _GENERIC = (309, 310, 311), (217, 218, 219)
_CALLS: dict[str, dict[int, tuple[int, ...]]] = {
    "x86_64": {0xC000003E: (248, 249, 250, 248 | _X32, 249 | _X32, 250 | _X32), 0x40000003: (286, 287, 288)},
    "i686": {0x40000003: (286, 287, 288)},
    "aarch64": {0xC00000B7: _GENERIC, 0x40000028: _ARM},
    "armv7l": {0x40000028: _ARM},
    "armv6l": {0x40000028: _ARM},
    "ppc64le": {0xC0000015: (269, 270, 271)},
    "s390x": {0x80000016: (278, 279, 280)},
    "riscv64": {0xC00000F3: _GENERIC},
    "loongarch64": {0xC0000102: _GENERIC},
}
"""By machine: the architectures that its programs may be of (<linux/audit.h>), and the numbers that add_key,
request_key and keyctl have there."""

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the latter with EPERM


def key_filter(calls: dict[int, tuple[int, ...]]) -> list[tuple[int, int, int, int]]:
    """Return the filter that refuses `calls`, and everything of another architecture (<linux/filter.h>)."""
    program = [(_LOAD, 0, 0, _ARCHITECTURE_AT)]
    for architecture, numbers in calls.items():
        block = [(_LOAD, 0, 0, _NUMBER_AT)]
        for number in reversed(numbers):
            block.insert(1, (_JUMP_IF_EQUAL, len(block), 0, number))  # to the last line of the block
        block += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
        program += [(_JUMP_IF_EQUAL, 0, len(block), architecture), *block]
    return [*program, (_RETURN, 0, 0, _REFUSE)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> None:
    """Start the program that the arguments name."""
    machine = os.uname().machine
    if machine not in _CALLS:
        _give_up(f"the system calls of {machine} are not known here")
    lines = key_filter(_CALLS[machine])
    program = _Program(len(lines), b"".join(struct.pack("=HBBI", *line) for line in lines))
    libc = ctypes.CDLL(None, use_errno=True)
    unused = [ctypes.c_ulong(0)] * 3
    for option, value, more in (
        (_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), ctypes.c_ulong(0)),
        (_SET_SECCOMP, ctypes.c_ulong(_FILTER_MODE), ctypes.byref(program)),
    ):
        if libc.prctl(ctypes.c_int(option), value, more, *unused[1:]) == -1:
            _give_up(f"prctl: {os.strerror(ctypes.get_errno())}")
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and what is ignored stays so
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    # LC_CTYPE is what Python sets where nobody says anything of languages (PEP 538).
    given = {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}
    try:
        os.execve(sys.argv[1], sys.argv[1:], given)  # noqa: S606
    except OSError as error:
        _give_up(f"{sys.argv[1]}: {error.strerror}")


def _give_up(reason: str) -> None:
    os.write(2, f"cannot make a sandbox: {reason}\n".encode(errors="backslashreplace"))
    os._exit(_NO_SANDBOX)


if __name__ == "__main__":
    main()
