"""Byte-compiling: the same bytes every time, in files that an interpreter takes without a look at their source."""

from __future__ import annotations

import importlib.util
import json
import marshal
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType

import pytest

from conda_docker.errors import CompilerFailed
from conda_docker.link.bytecode import compiler as compiler_module
from conda_docker.link.bytecode.compiler import Compiler, DoesNotCompile, Module
from conda_docker.link.bytecode.modules import CompiledModules, pyc_path
from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, find_on_machine
from conda_docker.link.link import link_package
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from tests.conda_docker.kinds import LONG
from tests.conda_docker.oracle import PREFIX, link, locked, read_layer
from tests.conda_docker.packages import File, HardLink, SyntheticPackage

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TAG = sys.implementation.cache_tag
SITE_PACKAGES = f"lib/python{VERSION}/site-packages"
HERE = Prefix(PREFIX, VERSION)


def this_python() -> Compiler:
    python = find_on_machine(exact_version())
    assert python is not None
    return Compiler(python)


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with this_python() as found:
        yield found


def library() -> list[tuple[str, bytes]]:
    """Some modules of the standard library, with constants of every kind."""
    folder = Path(json.__file__).parent.parent
    names = ["argparse", "ast", "calendar", "ftplib", "functools", "inspect", "json/decoder", "re/_parser", "typing"]
    names += ["asyncio/events", "difflib", "locale", "opcode", "string", "tarfile", "token", "weakref", "zipfile"]
    paths = [folder / f"{name}.py" for name in names]
    return [(f"/x/{path.name}", path.read_bytes()) for path in paths if path.exists()]


def compile_one(compiler: Compiler, source: bytes, path: str) -> bytes:
    (content,) = compiler.compile([Module(path, source)]).result()
    assert isinstance(content, bytes), content
    return content


def noarch(files: dict[str, File | HardLink | bytes | str]) -> SyntheticPackage:
    return SyntheticPackage(name="np", noarch="python", depends=["python"], timestamp=1700000000000, files=files)


def test_a_pyc_file_is_of_the_unchecked_hash_kind(compiler: Compiler) -> None:
    source = b"x = 1\n"
    content = compile_one(compiler, source, "/opt/conda/m.py")
    # PEP 552: magic number, flags, and the hash of the source.
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert content[4:8] == b"\1\0\0\0"
    assert content[8:16] == importlib.util.source_hash(source)
    code = marshal.loads(content[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == "/opt/conda/m.py"


def test_an_interpreter_takes_it_without_a_look_at_the_source(compiler: Compiler, tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    cached = tmp_path / pyc_path("m.py", compiler.tag)
    cached.parent.mkdir()
    cached.write_bytes(
        compile_one(compiler, b"import sys\nprint('compiled', sys._getframe().f_code.co_filename)", str(module))
    )
    module.write_text("print('source')")
    run = subprocess.run([sys.executable, "-c", "import m"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == f"compiled {module}\n"


def test_the_same_bytes_come_out_whatever_was_compiled_before(compiler: Compiler) -> None:
    modules = library()
    one_way = [compiler.compile([Module(path, source)]) for path, source in modules]
    with this_python() as another:
        other_way = [another.compile([Module(path, source)]) for path, source in reversed(modules)]
        contents = [future.result() for future in other_way]
    assert [future.result() for future in one_way] == contents[::-1]


@pytest.mark.parametrize(
    "source",
    [b"def f(:", b"\0", b"(" * 10_000, b"# coding: nonsense\n", b"x = '\xff'", b"return", b"a.b: int = 1; nonlocal a"],
)
def test_what_is_no_python_does_not_compile(source: bytes, compiler: Compiler) -> None:
    (before, found, after) = compiler.compile([Module("/x/m.py", text) for text in (b"pass", source, b"pass")]).result()
    assert isinstance(found, DoesNotCompile)
    assert found.reason
    assert before == after == compile_one(compiler, b"pass", "/x/m.py")


def misbehaving(monkeypatch: pytest.MonkeyPatch, doing: str) -> None:
    """Have a module that is called odd.py do something else than compile."""
    source, *others = compiler_module._sources()
    source = source.replace("code = compile(", f"code = {doing} if path.endswith(b'odd.py') else compile(")
    monkeypatch.setattr(compiler_module, "_sources", lambda: [source, *others])


ODD_ONE = [Module(path, b"pass") for path in ("/a.py", "/odd.py", "/b.py")]


@pytest.mark.parametrize(
    ("doing", "reason"),
    [
        ("__import__('posix')._exit(3)", r"the interpreter crashed \(exit code 3\)"),
        ("__import__('posix').abort()", "the interpreter crashed"),
        pytest.param(
            "(_signal.setitimer(_signal.ITIMER_PROF, 0.05), [0 for i in iter(int, 1)])",
            "more than 30 seconds",
            marks=pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers"),
        ),
        pytest.param(
            "b'x' * (2 << 30)",
            "more than 1024 MiB of memory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="this system does not limit address space"),
        ),
    ],
)
def test_a_module_that_ends_the_process_is_the_only_one_without_a_file(
    monkeypatch: pytest.MonkeyPatch, doing: str, reason: str
) -> None:
    misbehaving(monkeypatch, doing)
    with this_python() as compiler:
        first, second, third = compiler.compile(ODD_ONE).result()
        assert isinstance(second, DoesNotCompile)
        assert re.search(reason, second.reason)
        assert isinstance(first, bytes)
        assert isinstance(third, bytes)
        assert compile_one(compiler, b"pass", "/a.py") == first


def test_a_module_that_ends_the_process_may_be_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    misbehaving(monkeypatch, "__import__('posix')._exit(3)")
    with this_python() as compiler:
        first, second = compiler.compile(ODD_ONE[:2]).result()
        assert isinstance(first, bytes)
        assert isinstance(second, DoesNotCompile)


def test_a_process_that_was_killed_while_idle_costs_no_module_its_file(compiler: Compiler) -> None:
    with this_python() as compiler:
        first = compile_one(compiler, b"pass", "/a.py")
        worker = compiler._idle.get_nowait()
        worker.kill()
        worker.wait()
        compiler._idle.put(worker)
        assert compile_one(compiler, b"pass", "/a.py") == first


@pytest.mark.parametrize(
    "source",
    [b"", b"'\\N{BULLET}'", b"'\\d'", b"x is 1", b"# coding: latin-1\nx = '\xe9'", b"\xef\xbb\xbfx = 1", b"x\r\ny\r\n"],
)
def test_odd_modules_compile(source: bytes, compiler: Compiler) -> None:
    assert compile_one(compiler, source, "/x/é\udcff.py")[:4] == importlib.util.MAGIC_NUMBER


def test_an_interpreter_that_does_not_run_is_an_error() -> None:
    with (
        Compiler(PythonProgram(("/bin/false",), "3.12.1", "cpython-312")) as broken,
        pytest.raises(CompilerFailed, match="/bin/false"),
    ):
        broken.compile([Module("/x.py", b"pass")]).result()


def test_a_closed_compiler_can_be_used_again() -> None:
    compiler = this_python()
    first = compile_one(compiler, b"pass", "/x.py")
    compiler.close()
    assert compile_one(compiler, b"pass", "/x.py") == first
    compiler.close()
    compiler.close()


def test_threads_share_a_compiler(compiler: Compiler) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: compile_one(compiler, b"x = 1", f"/m{number % 2}.py"), range(40)))
    assert len(set(made)) == 2


def test_pyc_files_come_in_the_order_of_their_sources(compiler: Compiler) -> None:
    modules = CompiledModules(compiler, HERE, 7, lambda path: True)
    sources = [f"m{number}.py" for number in range(1_300)]
    entries = [entry for name in sources for entry, _ in modules.add(name, b"x = 1")]
    assert 0 < len(entries) < 1_300  # some came while others were on their way
    entries += [entry for entry, _ in modules.rest()]
    assert [entry.path for entry in entries] == [f"opt/conda/{pyc_path(name, TAG)}" for name in sources]
    assert {(entry.mode, entry.mtime) for entry in entries} == {(0o644, 7)}


def test_modules_of_noarch_python_packages_are_compiled(compiler: Compiler, tmp_path: Path) -> None:
    archive = noarch(
        {
            "site-packages/m/__init__.py": "x = 1",
            "site-packages/m/bad.py": "x =",
            "site-packages/m/data.txt": "x",
            "site-packages/m/stub.pyi": "x",
            "site-packages/m/prefix.py": File(f"P = '{LONG}'\n".encode(), placeholder=LONG),
            "python-scripts/s.py": "x = 1",
            "etc/conf.py": "x = 1",
        }
    ).write(tmp_path)
    tree = read_layer(link(open_package(archive), locked(archive), HERE, compiler=compiler))
    made = {path for path in tree if path.endswith(".pyc")}
    folder = f"{SITE_PACKAGES}/m/__pycache__"
    assert made == {f"{folder}/__init__.{TAG}.pyc", f"{folder}/prefix.{TAG}.pyc"}
    # What is compiled is what is installed.
    assert b"/opt/conda" in tree[f"{folder}/prefix.{TAG}.pyc"].content
    record = json.loads(tree["conda-meta/np-1.0-0.json"].content)
    recorded = {row["_path"]: row for row in record["paths_data"]["paths"] if row["path_type"] == "pyc_file"}
    assert recorded.keys() == made <= set(record["files"])
    assert all(row["size_in_bytes"] == len(tree[path].content) for path, row in recorded.items())
    assert record["files"] == sorted(record["files"])


def test_a_module_that_is_too_large_to_hold_is_not_compiled(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conda_docker.link.link._IN_MEMORY", 3)
    archive = noarch({"site-packages/m.py": "x = 1", "site-packages/n.py": "x=1"}).write(tmp_path)
    linked = link_package(open_package(archive), locked(archive), HERE, compiler=compiler)
    paths = [entry.path for entry, _ in linked]
    assert [path for path in paths if path.endswith(".pyc")] == [
        f"{PREFIX.strip('/')}/{SITE_PACKAGES}/__pycache__/n.{TAG}.pyc"
    ]
    assert linked.report.uncompiled == {f"{SITE_PACKAGES}/m.py": "it has 5 bytes"}


@pytest.mark.parametrize("kind", [None, "generic"])
def test_modules_of_other_packages_are_not_compiled(kind: str | None, compiler: Compiler, tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", noarch=kind, files={"site-packages/m.py": "x = 1"}).write(tmp_path)
    assert not any(
        path.endswith(".pyc")
        for path in read_layer(link(open_package(archive), locked(archive), HERE, compiler=compiler))
    )


def test_a_pyc_file_of_the_package_is_kept(compiler: Compiler, tmp_path: Path) -> None:
    own = pyc_path("site-packages/m.py", TAG)
    archive = noarch({"site-packages/m.py": "x = 1", own: "own"}).write(tmp_path)
    tree = read_layer(link(open_package(archive), locked(archive), HERE, compiler=compiler))
    assert tree[pyc_path(f"{SITE_PACKAGES}/m.py", TAG)].content == b"own"


def test_a_module_that_is_a_second_name_is_compiled_by_its_own(compiler: Compiler, tmp_path: Path) -> None:
    archive = noarch({"site-packages/m.py": "x = 1", "site-packages/n.py": HardLink("site-packages/m.py")}).write(
        tmp_path
    )
    tree = read_layer(link(open_package(archive), locked(archive), HERE, compiler=compiler))
    assert b"/n.py" in tree[pyc_path(f"{SITE_PACKAGES}/n.py", TAG)].content


def test_a_module_that_another_package_wins_has_no_pyc_file(compiler: Compiler, tmp_path: Path) -> None:
    # It would be taken for the other package's module, whose source nobody compares it to.
    archive = noarch({"site-packages/m.py": "x = 1"}).write(tmp_path)
    lost = [f"{SITE_PACKAGES}/m.py"]
    tree = read_layer(link(open_package(archive), locked(archive), HERE, compiler=compiler, without=lost))
    assert tree.keys() & {lost[0], pyc_path(lost[0], TAG)} == set()


def test_a_compiler_of_the_wrong_version_is_refused(compiler: Compiler, tmp_path: Path) -> None:
    archive = noarch({"site-packages/m.py": ""}).write(tmp_path)
    with pytest.raises(ValueError, match=r"cannot compile for Python 3\.1"):
        link(open_package(archive), locked(archive), Prefix(PREFIX, "3.1"), compiler=compiler)
