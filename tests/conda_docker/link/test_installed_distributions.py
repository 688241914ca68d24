"""Real software: distributions that are installed beside the tests, as packages, linked here and by rattler."""

from __future__ import annotations

import marshal
import sys
from importlib import metadata
from pathlib import Path

import pytest

from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.modules import pyc_path
from conda_docker.link.bytecode.python_program import exact_version, find_on_machine
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from tests.conda_docker.oracle import PREFIX, Rattler, differences, link, link_archives, locked, read_layer
from tests.conda_docker.packages import File, SyntheticPackage

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = f"lib/python{VERSION}/site-packages"
PYTHON = SyntheticPackage(name="python", version=f"{VERSION}.0", files={f"bin/python{VERSION}": File(b"", mode=0o755)})


def distribution(name: str, *, noarch: bool) -> SyntheticPackage:
    """A package of what is installed of a distribution, without what lies outside site-packages."""
    found = metadata.distribution(name)
    root = "site-packages" if noarch else SITE_PACKAGES
    files: dict[str, File] = {}
    for path in found.files or ():
        located = Path(str(found.locate_file(path)))
        if ".." in path.parts or path.suffix == ".pyc" or not located.is_file():
            continue
        status = located.stat()
        files[f"{root}/{path}"] = File(located.read_bytes(), mode=status.st_mode & 0o777, mtime=int(status.st_mtime))
    points = [f"{point.name} = {point.value}" for point in found.entry_points if point.group == "console_scripts"]
    return SyntheticPackage(
        name=name.lower().replace("_", "-"),
        version=found.version,
        noarch="python" if noarch else None,
        depends=["python"],
        files=files,
        entry_points=points if noarch else (),
    )


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize(("name", "noarch"), [("packaging", True), ("pytest", True), ("pydantic_core", False)])
def test_it_is_linked_as_rattler_installs_it(
    name: str, noarch: bool, suffix: str, rattler: Rattler, tmp_path: Path
) -> None:
    archives = [distribution(name, noarch=noarch).write(tmp_path, suffix), PYTHON.write(tmp_path)]
    installed, cache = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []
    assert len(installed) > 20
    folder = open_package(cache / archives[0].name.removesuffix(suffix))
    prefix = Prefix(PREFIX, VERSION)
    from_archive = read_layer(link(open_package(archives[0]), locked(archives[0]), prefix))
    assert read_layer(link(folder, locked(archives[0]), prefix)) == from_archive


def test_its_modules_are_compiled_to_what_this_interpreter_makes_of_them(tmp_path: Path) -> None:
    archive = distribution("packaging", noarch=True).write(tmp_path)
    with Compiler(find_on_machine(exact_version()) or pytest.fail("this Python")) as compiler:
        tree = read_layer(link(open_package(archive), locked(archive), Prefix(PREFIX, VERSION), compiler=compiler))
    sources = [path for path in tree if path.endswith(".py")]
    assert len(sources) > 10
    for path in sources:
        made = marshal.loads(tree[pyc_path(path, compiler.tag)].content[16:])
        assert made == compile(tree[path].content, f"{PREFIX}/{path}", "exec", dont_inherit=True)
