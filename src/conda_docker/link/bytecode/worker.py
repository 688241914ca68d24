"""The program that runs inside the interpreter that byte-compiles: compiles modules that it reads from standard input.

It runs on any CPython from 3.7 on, so it imports nothing of this project, and nothing of the standard library but what
is built in or frozen, and `unicodedata`.

A request is the number of modules and for each the lengths of its path and its source and the two; an answer is, for
each module, a byte (0: a .pyc file follows, 1: the reason why there is none), a length and that many bytes. All numbers
have four bytes. Each answer is sent before the next module is compiled, so whoever asks knows which module ended the
process. The first thing that is sent is `READY`.

A .pyc file must depend on the path and the source of its module alone: not on what the process has compiled or imported
before, and not on how the interpreter was built. `marshal` writes three things that do depend on them: whether an
object has other references, whether a string is interned, and whether two equal strings are one object. `settle`
therefore gives every object a second reference and makes one object of those strings that are one in a fresh process;
strings of one character, which exist once in a process, are interned from the start.

Constant powers are the one thing that the compiler asks the system for; see `powers`.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Before Python 3.11, `-c` puts the working folder first.
    sys.path[:] = [folder for folder in sys.path if folder]
    try:  # noqa: SIM105 -- contextlib is not built in
        # Where the compiler itself looks up characters by name ("\N{BULLET}"), and imports it for that.
        import unicodedata  # noqa: F401
    except ImportError:
        pass
    sys.path[:] = []

import _imp
import _signal  # type: ignore[import-not-found]
import _warnings
import marshal
from _frozen_importlib_external import MAGIC_NUMBER

if __name__ == "__main__":
    _powers: dict[str, Any] = {"__name__": "powers"}
    exec(sys.argv[1], _powers)  # noqa: S102 -- its source, since there is nothing to import it from
    rounded_powers = _powers["rounded_powers"]
else:
    from conda_docker.link.bytecode.powers import rounded_powers

TYPE_CHECKING = False  # typing is not built in
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, BinaryIO

READY = b"\x06"
OUT_OF_MEMORY = 86
"""The exit code that says that compiling a module took more memory than there is."""
MAX_SECONDS = 30
"""Of processor time, for one module. Honest ones take a fraction of a second."""

_HEAD = MAGIC_NUMBER + (1).to_bytes(4, "little")  # PEP 552: unchecked hash, valid whatever the source's time
_HASH_KEY = int.from_bytes(MAGIC_NUMBER, "little")
_Code = type(compile("", "", "exec"))
_NAMES = ("co_names", "co_varnames", "co_freevars", "co_cellvars")
_TABLES = ("co_linetable", "co_exceptiontable") if sys.version_info >= (3, 10) else ("co_lnotab",)
_OTHERS = tuple([name for name in ("co_filename", "co_name", "co_code", "co_consts", *_TABLES) if hasattr(_Code, name)])
_HAS_QUALNAME = hasattr(_Code, "co_qualname")


def settle(code: CodeType) -> tuple[CodeType, list[Any]]:
    """Return code that `marshal` writes in the same way in every process, while the second value is referred to."""
    held, strings, qualnames, has_sets = _references(code)
    # Two things depend on which strings had been interned when this was compiled: whether the name of a class, which is
    # a constant of the code of its body, is one object with the name of that code; and whether a set of strings is the
    # compiler's own object or one that was made anew, in an order of its own before Python 3.11.
    if has_sets or not qualnames.keys().isdisjoint(strings):
        code = _rebuilt(code, qualnames)
        held = _references(code)[0]
    return code, held


def _references(code: CodeType) -> tuple[list[Any], list[str], dict[str, str], bool]:
    """Return references to all that is in `code`; its constant strings, qualified names, whether there are sets."""
    held: list[Any] = []
    strings: list[str] = []
    qualnames: dict[str, str] = {}
    has_sets = False
    waiting: list[Any] = [code]
    while waiting:
        item = waiting.pop()
        held.append(item)
        kind = type(item)
        if kind is str:
            strings.append(item)
        elif kind is _Code:
            for name in _NAMES:
                names = getattr(item, name)
                held.append(names)
                held += names
            held += [getattr(item, name) for name in _OTHERS]
            if _HAS_QUALNAME:
                qualname = item.co_qualname
                held.append(qualname)
                qualnames[qualname] = qualname
            waiting += item.co_consts
        elif kind is tuple or kind is frozenset:
            has_sets = has_sets or kind is frozenset
            waiting += item
    return held, strings, qualnames, has_sets


def _rebuilt(item: Any, qualnames: dict[str, str]) -> Any:
    """Return a constant with sets made anew, and with the objects in `qualnames` for the strings that equal them.

    What holds none of these is returned as it is: whether two constants are one object is written, too.
    """
    kind = type(item)
    if kind is str:
        return qualnames.get(item, item)
    if kind is frozenset:
        return frozenset([_rebuilt(part, qualnames) for part in sorted(item, key=repr)])
    if kind is tuple:
        return tuple([_rebuilt(part, qualnames) for part in item]) if _is_rebuilt(item, qualnames) else item
    if kind is _Code and _is_rebuilt(item.co_consts, qualnames):
        return _with_constants(item, tuple([_rebuilt(part, qualnames) for part in item.co_consts]))
    return item


def _is_rebuilt(constants: tuple[Any, ...], qualnames: dict[str, str]) -> bool:
    for part in constants:
        kind = type(part)
        if kind is frozenset or (kind is str and part in qualnames):
            return True
        if kind in (tuple, _Code) and _is_rebuilt(part if kind is tuple else part.co_consts, qualnames):
            return True
    return False


def _with_values(item: Any, values: dict[float, float]) -> Any:
    """Return a constant with other real numbers in it."""
    kind = type(item)
    if kind is float:
        return values.get(item, item)
    if kind is tuple:
        return tuple([_with_values(part, values) for part in item])
    if kind is frozenset:
        return frozenset([_with_values(part, values) for part in item])
    if kind is _Code:
        return _with_constants(item, _with_values(item.co_consts, values))
    return item


def _with_constants(code: Any, constants: tuple[Any, ...]) -> Any:
    if hasattr(code, "replace"):
        return code.replace(co_consts=constants)
    # Python 3.7
    counts = code.co_argcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize, code.co_flags
    names = code.co_names, code.co_varnames, code.co_filename, code.co_name
    lines = code.co_firstlineno, code.co_lnotab
    make: Any = _Code
    return make(*counts, code.co_code, constants, *names, *lines, code.co_freevars, code.co_cellvars)


def compile_module(path: bytes, source: bytes) -> bytes:
    """Return the answer for one module."""
    try:
        code = compile(source, path.decode("utf-8", "surrogateescape"), "exec", dont_inherit=True)
        values = rounded_powers(source)
        if values:
            code = _with_values(code, values)
        code, held = settle(code)
        body = _HEAD + _imp.source_hash(_HASH_KEY, source) + marshal.dumps(code)
        del held
        return b"\0" + len(body).to_bytes(4, "little") + body
    except MemoryError:
        raise  # in another process there may be enough
    except Exception as error:  # a source may fail in any way
        reason = (type(error).__name__ + ": " + str(error)).encode("utf-8", "replace")[:500]
        return b"\1" + len(reason).to_bytes(4, "little") + reason


def request(modules: list[tuple[bytes, bytes]]) -> bytes:
    """Return what is sent to ask for some modules, given as paths and sources."""
    pieces = [len(modules).to_bytes(4, "little")]
    for path, source in modules:
        pieces += [len(path).to_bytes(4, "little"), len(source).to_bytes(4, "little"), path, source]
    return b"".join(pieces)


def read_request(requests: BinaryIO) -> list[tuple[bytes, bytes]]:
    """Return paths and sources of the modules that are asked for; none at the end."""
    modules = []
    for _ in range(_read_number(requests)):
        lengths = _read_number(requests), _read_number(requests)
        modules.append((requests.read(lengths[0]), requests.read(lengths[1])))
    return modules


def _read_number(requests: BinaryIO) -> int:
    return int.from_bytes(requests.read(4), "little")


def limit_time(seconds: float) -> None:
    """Have this process end after that much processor time; 0: no more."""
    if hasattr(_signal, "setitimer"):
        _signal.setitimer(_signal.ITIMER_PROF, seconds)


def main() -> int:
    """Answer requests until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
    for number in range(256):
        sys.intern(chr(number))
    sys.intern("")
    if hasattr(_signal, "setitimer"):
        _signal.signal(_signal.SIGPROF, _signal.SIG_DFL)
    answers.write(READY)
    answers.flush()
    while True:
        # All of it, before an answer: whoever asks does not read before everything is sent.
        modules = read_request(requests)
        if not modules:
            return 0
        for path, source in modules:
            limit_time(MAX_SECONDS)
            answer = compile_module(path, source)
            limit_time(0)
            answers.write(answer)
            answers.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
