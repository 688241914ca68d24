"""What a .pyc file holds depends on the version of Python and on the module alone: held against all Pythons here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from conda_docker.link.bytecode import worker
from conda_docker.link.bytecode.compiler import Compiler, DoesNotCompile, Module, worker_command
from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, probe_python

# What has been seen to differ: sets of strings, names of classes among constants, strings of one character, names that
# the interpreter itself uses, tuples of the same names; powers, which C libraries round.
SAMPLES = {
    "sets": "def f(x): return x in {'426', '225', 'endif', 'if', 'else', '$', 1}\ndef g(y): return y in {'426', 'if'}",
    "classes": "class FTP:\n class Section:\n  def f(self): pass\n  def g(self): return [a for a in self]\nclass A: 1",
    "names": "import zlib, posix\nsys = split = memfd_create = copy_file_range = env = posix.environ\n'.', ',', ''",
    "constants": "X = (1, 2.5, 'a b', ('c', b'd', None), -7, 10 ** 20, 1j, ..., frozenset({'q'}))\nY = 'a b', 2.5, 'X'",
    "powers": "X = 10 ** -3, 1.1 ** -13, 294.0 ** -3, 423.0 ** (1 / 3)\nY = -(808.0 ** -2) * 3 in {1.1 ** -13}",
    "encodings": "class IncrementalEncoder:\n def encode(self): pass\nclass Codec:\n def encode(self): 'doc'; yield",
}
IMPORTED = "argparse, asyncio, decimal, email.message, ftplib, inspect, json, tarfile, typing, xml.dom.minidom, zlib"


def modules() -> list[Module]:
    folder = Path(json.__file__).parent.parent
    library = ["argparse", "ast", "difflib", "ftplib", "inspect", "json/decoder", "locale", "opcode", "tarfile"]
    library += ["_markupbase", "asyncio/events", "email/message", "xml/dom/minidom"]
    found = [folder / f"{name}.py" for name in library]
    return [Module(f"/s/{name}.py", text.encode()) for name, text in SAMPLES.items()] + [
        Module(f"/x/{path.name}", path.read_bytes()) for path in found if path.exists()
    ]


@cache
def pythons() -> dict[str, list[PythonProgram]]:
    """All Pythons of this machine, by their exact versions."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin")]
    found = {sys.executable}
    for folder in (*folders, *home.glob("versions/*/bin")):
        found |= {str(path) for path in folder.glob("python3*") if re.fullmatch(r"python3(\.\d+)?", path.name)}
    by_file = {os.path.realpath(path): path for path in sorted(found)}
    by_version: dict[str, list[PythonProgram]] = {}
    for path in by_file.values():
        python = probe_python((path,))
        if python is not None and python.command not in [other.command for other in by_version.get(python.version, ())]:
            by_version.setdefault(python.version, []).append(python)
    return by_version


def one_of_each() -> Iterable[PythonProgram]:
    return [group[0] for _, group in sorted(pythons().items())]


def compile_all(python: PythonProgram, asked: list[Module]) -> dict[str, bytes | DoesNotCompile]:
    with Compiler(python) as compiler:
        return dict(zip([module.path for module in asked], compiler.compile(asked).result(), strict=True))


def compile_with(command: list[str], asked: list[Module], folder: Path) -> dict[str, bytes | DoesNotCompile]:
    """What a worker that is started in another way than usual makes."""
    sent = worker.request([(module.path.encode(), module.source) for module in asked])
    answer = subprocess.run(
        command, input=sent, capture_output=True, check=True, cwd=folder, env={"PYTHONHASHSEED": "0"}
    ).stdout
    assert answer[:1] == worker.READY
    made: dict[str, bytes | DoesNotCompile] = {}
    start = 1
    for module in asked:
        size = int.from_bytes(answer[start + 1 : start + 5], "little")
        body = answer[start + 5 : start + 5 + size]
        made[module.path] = DoesNotCompile(body.decode()) if answer[start] else body
        start += 5 + size
    return made


@pytest.mark.parametrize("python", one_of_each(), ids=lambda python: python.version)
class TestTheBytesAreTheSame:
    def test_whatever_was_compiled_before(self, python: PythonProgram) -> None:
        asked = modules()
        assert compile_all(python, asked) == compile_all(python, asked[::-1])
        alone = {module.path: compile_all(python, [module])[module.path] for module in asked[:3]}
        assert alone.items() <= compile_all(python, asked).items()

    def test_whatever_was_imported_before(self, python: PythonProgram, tmp_path: Path) -> None:
        # As an interpreter would have it that was built with other modules, or that found modules in its caches.
        *command, source, powers = worker_command(python)
        source = source.replace("import _imp\n", "import _imp, _io, time, builtins\n", 1)
        source = source.replace("sys.path[:] = []", f"import {IMPORTED}", 1)
        assert compile_with([*command, source, powers], modules(), tmp_path) == compile_all(python, modules())

    @pytest.mark.parametrize("cached", [True, False])
    def test_with_and_without_compiled_modules_of_its_own(
        self, python: PythonProgram, cached: bool, tmp_path: Path
    ) -> None:
        # The few modules that it starts with, in a library of its own where they are compiled, or are not.
        library = Path(
            subprocess.run(
                [*python.command, "-ISc", "import os; print(os.path.dirname(os.__file__))"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
        )
        program = Path(os.path.realpath(python.command[0]))
        home = tmp_path / "home"
        (home / "bin").mkdir(parents=True)
        target = home / "lib" / library.name
        target.mkdir(parents=True)
        shutil.copy(program, home / "bin" / "python3")
        for name in (path.name for path in library.glob("*.py")):
            shutil.copy(library / name, target / name)
        shutil.copytree(library / "encodings", target / "encodings", ignore=shutil.ignore_patterns("__pycache__"))
        environ = {"LD_LIBRARY_PATH": str(program.parent.parent / "lib")}
        if cached:
            compiling = [
                str(home / "bin/python3"),
                "-ISc",
                "import codecs, io, abc, encodings.utf_8, encodings.latin_1",
            ]
            subprocess.run(compiling, check=True, env=environ, capture_output=True)
        copy = PythonProgram((str(home / "bin/python3"),), python.version, python.tag, environ)
        assert compile_all(copy, modules()) == compile_all(python, modules())
        assert bool(list(home.rglob("*.pyc"))) == cached

    def test_whatever_locale_and_variables_there_are(
        self, python: PythonProgram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = compile_all(python, modules())
        for name, value in {"LC_ALL": "POSIX", "PYTHONOPTIMIZE": "2", "PYTHONDEVMODE": "1", "HOME": "/none"}.items():
            monkeypatch.setenv(name, value)
        assert compile_all(python, modules()) == expected


@pytest.mark.parametrize("version", sorted(pythons()))
def test_all_pythons_of_one_version_agree(version: str) -> None:
    made = [compile_all(python, modules()) for python in pythons()[version]]
    assert made == made[:1] * len(made)


BUILD = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from conda_docker.link.bytecode.compiler import Compiler, Module
from conda_docker.link.bytecode.python_program import probe_python
made = []
for path in sys.argv[2:]:
    with Compiler(probe_python((path,))) as compiler:
        made.append(compiler.compile([Module("/x.py", open(sys.argv[1] + "/conda_docker/redaction.py", "rb").read())]))
        print(hashlib.sha256(made[-1].result()[0]).hexdigest())
"""


def test_whichever_python_runs_this_project() -> None:
    compiling = [python.command[0] for python in one_of_each()]
    printed = {
        subprocess.run(
            [*python.command, "-I", "-c", BUILD, str(Path(worker.__file__).parents[3]), *compiling],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in one_of_each()
        if tuple(map(int, python.minor_version.split("."))) >= (3, 11)
    }
    assert len(printed) == 1
    assert len(printed.pop().split()) == len(compiling)


def test_every_sample_compiles() -> None:
    made = compile_all(pythons()[exact_version()][0], modules())
    assert [path for path, content in made.items() if isinstance(content, DoesNotCompile)] == []


def test_the_code_means_what_the_compiler_made_of_it() -> None:
    for module in modules():
        code = compile(module.source, module.path, "exec", dont_inherit=True)
        settled, held = worker.settle(code)
        assert settled == code
        assert held


def test_it_imports_nothing_that_is_not_built_in_or_frozen() -> None:
    source = Path(worker.__file__).read_text()
    names = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) - {"__future__"}
    assert names - {"_frozen_importlib_external"} <= set(sys.builtin_module_names)
