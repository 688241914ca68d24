"""What runs inside the interpreter that byte-compiles: compiles modules that it reads from its standard input.

Runs by itself on any Python from 3.7 on, so it imports nothing of this project. A request is the number of modules and
for each the lengths of its path and its source and the two; an answer has, for each module, a byte (0: a .pyc file
follows, 1: the reason why there is none), a length and that many bytes. All numbers have four bytes.

What a module's .pyc holds depends, in details, on what its process compiled before. So each request is answered by a
process of its own: a fork of this one, or, where there is no fork(2), this one, which then ends.
"""

from __future__ import annotations

import sys

# Run by `-c`, where the working directory would come before the standard library.
sys.path[:] = [folder for folder in sys.path if folder]

import _signal  # type: ignore[import-not-found]  # noqa: E402 -- signal takes longer to import
import gc  # noqa: E402
import importlib.util  # noqa: E402
import marshal  # noqa: E402
import os  # noqa: E402
import warnings  # noqa: E402

_UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: valid whatever the source's time; never compared to it

_MAX_SECONDS = 300  # for one request; honest ones take a fraction of a second


def compile_module(path: bytes, source: bytes) -> bytes:
    """The answer for one module."""
    try:
        code = compile(source, path.decode("utf-8", "surrogateescape"), "exec", dont_inherit=True)
        body = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)
        return b"\0" + len(body).to_bytes(4, "little") + body
    except Exception as error:  # a source may fail in any way
        reason = f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500]
        return b"\1" + len(reason).to_bytes(4, "little") + reason


def compile_apart(modules: list[tuple[bytes, bytes]]) -> bytes:
    """The answer for some modules, made in a process that ends with it; cut short when that process crashed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _signal.alarm(_MAX_SECONDS)  # ends the process
        with os.fdopen(write_end, "wb") as pipe:
            for path, source in modules:
                pipe.write(compile_module(path, source))
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def answers_in(answer: bytes) -> int:
    """How many whole answers there are."""
    count = position = 0
    while len(answer) >= position + 5:
        position += 5 + int.from_bytes(answer[position + 1 : position + 5], "little")
        if position > len(answer):
            break
        count += 1
    return count


def answer_all(modules: list[tuple[bytes, bytes]]) -> bytes:
    """The answer for some modules, whatever one of them does to the interpreter."""
    answer = compile_apart(modules)
    if answers_in(answer) == len(modules):
        return answer
    if len(modules) > 1:
        return b"".join(answer_all([module]) for module in modules)
    reason = b"the interpreter crashed"
    return b"\1" + len(reason).to_bytes(4, "little") + reason


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    warnings.simplefilter("ignore")
    # Looking for garbage would find none, and write to every page that a fork shares.
    gc.disable()
    gc.freeze()

    def read_number() -> int:
        return int.from_bytes(requests.read(4), "little")

    while True:
        modules = []
        for _ in range(read_number()):
            lengths = read_number(), read_number()
            modules.append((requests.read(lengths[0]), requests.read(lengths[1])))
        if not modules:
            return
        if not hasattr(os, "fork"):
            answers.write(b"".join(compile_module(*module) for module in modules))
            return
        answers.write(answer_all(modules))
        answers.flush()


if __name__ == "__main__":
    main()
