"""What runs inside the interpreter that byte-compiles: compiles modules that it reads from its standard input.

Runs by itself on any Python from 3.7 on, so it imports nothing of this project. A request is the length of a path and
that of a source, both in four bytes, then the two; an answer one byte (0 for a .pyc file, 1 for the reason that there
is none), the length in four bytes, and the content. Each module is compiled in a process of its own where there is
fork(2): what a module's .pyc holds depends, in details, on what its process compiled before.
"""

from __future__ import annotations

import sys

# Run by `-c`, where the working directory would come before the standard library.
sys.path[:] = [folder for folder in sys.path if folder]

import _signal  # type: ignore[import-not-found]  # noqa: E402 -- signal takes longer to import
import importlib.util  # noqa: E402
import marshal  # noqa: E402
import os  # noqa: E402
import warnings  # noqa: E402

_UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: valid whatever the source's time; never compared to it

_MAX_SECONDS = 300  # for one module; honest ones take milliseconds


def compile_module(path: str, source: bytes) -> bytes:
    """The answer for one module."""
    try:
        code = compile(source, path, "exec", dont_inherit=True)
        body = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)
        return b"\0" + len(body).to_bytes(4, "little") + body
    except Exception as error:  # a source may fail in any way
        reason = f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500]
        return b"\1" + len(reason).to_bytes(4, "little") + reason


def compile_apart(path: str, source: bytes) -> bytes:
    """The answer for one module, made in a process that ends with it; no answer when that process crashed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _signal.alarm(_MAX_SECONDS)  # ends the process
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(compile_module(path, source))
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    warnings.simplefilter("ignore")
    answer_one = compile_apart if hasattr(os, "fork") else compile_module
    crashed = b"\1" + (24).to_bytes(4, "little") + b"the interpreter crashed "
    while True:
        lengths = requests.read(8)
        if len(lengths) < 8:
            return
        path = requests.read(int.from_bytes(lengths[:4], "little")).decode("utf-8", "surrogateescape")
        source = requests.read(int.from_bytes(lengths[4:], "little"))
        answer = answer_one(path, source)
        if len(answer) < 5 or len(answer) != 5 + int.from_bytes(answer[1:5], "little"):
            answer = crashed
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    main()
