"""What runs inside the interpreter that byte-compiles: compiles modules that it reads from its standard input.

Runs by itself on any Python from 3.7 on, so it imports nothing of this project. A request is the number of modules and
for each the lengths of its path and its source and the two; an answer has, for each module, a byte (0: a .pyc file
follows, 1: the reason why there is none), a length and that many bytes. All numbers have four bytes.

What a module's .pyc holds depends, in details, on what else is in its process: on which texts are interned by others,
for one. So requests are answered by a fork of this process, which serves for as long as each request leaves it as it
was, told by the number of blocks of memory in use; then comes the next. Where there is no fork(2), this process answers
one request and ends.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Run by `-c`, where the working directory would come before the standard library.
    sys.path[:] = [folder for folder in sys.path if folder]

import _signal  # type: ignore[import-not-found]  # signal takes longer to import
import gc
import importlib.util
import io
import marshal
import os
import warnings

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import BinaryIO

_UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: valid whatever the source's time; never compared to it

_MAX_SECONDS = 300  # for one request; honest ones take a fraction of a second

CRASHED = 86  # the exit code that says that a request ended the process that was to answer it
_CHANGED = 87

# Compiled before anything else, for what interpreters make when it is first needed, and keep. Each release takes those
# that it has the syntax for.
_REHEARSAL = (
    "'doc'\nfrom __future__ import annotations\nimport a.b as c, d\nfrom .e import f, g as h\nx: int = 1\n",
    "async def a(b, *c, d: int = 1, **e) -> None:\n async with b as f: yield await f\n"
    " async for g in b: [h async for h in g]\n",
    "@a\nclass A(B, c=D):\n 'doc'\n x: int\n def f(self):\n  super().f()\n  return __class__, lambda: (yield)\n",
    "def a():\n global b\n c = 1\n def d():\n  nonlocal c\n  del c\n try: raise E from None\n"
    " except (F, G) as e: assert e, 'x'\n finally:\n  while a: continue\n  for i, *j in b: break\n yield from d\n",
    "a = {x: y for x, y in z}, {x for x in z if x}, (x for x in z), [*a, *b], {**a, 'b': 1}, a[1:2, ..., ::3]\n",
    "a = 1.5, 2j, b'c', 'd', -1, None, True, 10**30, a @ b // c, a is not b, a not in {1, 2}, a < b < c, ~a ** b\n",
    "a = f'{b!r:>{c}} {d} {e.f[0]}' 'g' % h\na.b.c = d[e] = f\na += g(*h, i=j, **k) if l else not m\n",
    "with a as b, c: pass\nif (n := 1) > 2: pass\nelif a: pass\n",
    "match a:\n case [1, *b] | {'c': d, **e}: pass\n case F(g, h=1) if i: pass\n case 'x' | None | a.b: pass\n",
    "try: pass\nexcept* A as b: pass\n",
    "type A[T: int, *U, **V] = T\ndef f[T](a: T) -> T: ...\nclass B[T]: ...\n",
    "a is 1\nb = '\\d'\nassert (a, 'b')\n",
    "a = (\n",
    "return\n",
)


def compile_module(path: bytes, source: bytes) -> bytes:
    """The answer for one module."""
    try:
        code = compile(source, path.decode("utf-8", "surrogateescape"), "exec", dont_inherit=True)
        body = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)
        return b"\0" + len(body).to_bytes(4, "little") + body
    except Exception as error:  # a source may fail in any way
        reason = f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500]
        return b"\1" + len(reason).to_bytes(4, "little") + reason


def compile_modules(modules: list[tuple[bytes, bytes]]) -> bytes:
    """The answer for some modules."""
    return b"".join([compile_module(path, source) for path, source in modules])


def request(modules: list[tuple[bytes, bytes]]) -> bytes:
    """What is sent to ask for some modules, by their paths and sources."""
    pieces = [len(modules).to_bytes(4, "little")]
    for path, source in modules:
        pieces += [len(path).to_bytes(4, "little"), len(source).to_bytes(4, "little"), path, source]
    return b"".join(pieces)


def read_request(requests: BinaryIO) -> list[tuple[bytes, bytes]]:
    """Paths and sources of the modules that are asked for; none at the end."""
    modules = []
    for _ in range(_read_number(requests)):
        lengths = _read_number(requests), _read_number(requests)
        modules.append((requests.read(lengths[0]), requests.read(lengths[1])))
    return modules


def _read_number(requests: BinaryIO) -> int:
    return int.from_bytes(requests.read(4), "little")


def blocks_in_use() -> int:
    """How many blocks of memory Python has in use; 0 where it does not count them."""
    gc.collect()  # what is kept for later use is let go, too
    return sys.getallocatedblocks()


def answer_while_unchanged(requests: BinaryIO, answers: BinaryIO) -> bool:
    """Answer requests; whether there are no more. Otherwise, the last one has changed this process."""
    before = blocks_in_use()
    before = blocks_in_use()  # with the number itself
    while True:
        modules = read_request(requests)
        if not modules:
            return True
        _signal.alarm(_MAX_SECONDS)  # ends the process
        answer = compile_modules(modules)
        _signal.alarm(0)
        answers.write(answer)
        answers.flush()
        del modules, answer
        if blocks_in_use() != before or not before:
            return False


def rehearse() -> None:
    """Do all that is done to answer, so that whatever is made once is there."""
    asked = b"".join([request([(b"<rehearsal>", text.encode())]) for text in _REHEARSAL])
    for _ in range(3):
        rest = io.BytesIO(asked)
        while not answer_while_unchanged(rest, io.BytesIO()):
            continue


def main() -> int:
    """Answer requests until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    warnings.simplefilter("ignore")
    # Looking for garbage would find none, and write to every page that a fork shares.
    gc.disable()
    if not hasattr(os, "fork"):
        answers.write(compile_modules(read_request(requests)))
        return 0
    rehearse()
    gc.collect()
    gc.freeze()
    while True:
        child = os.fork()
        if child == 0:
            ended = True
            try:
                ended = answer_while_unchanged(requests, answers)
            finally:
                os._exit(0 if ended else _CHANGED)
        status = os.waitpid(child, 0)[1]
        if status == 0:
            return 0
        if not os.WIFEXITED(status) or os.WEXITSTATUS(status) != _CHANGED:
            return CRASHED


if __name__ == "__main__":
    sys.exit(main())
