"""Another conda, mamba or micromamba solves; stand-ins for them print what these print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.solve.external import solve_externally
from conda_docker.environment.virtual_packages import virtual_packages
from conda_docker.errors import ChannelError, InvalidEnvironment, SolverFailed, Unsolvable
from tests.conda_docker.environment.solving import solve_request

HOST = "https://conda.anaconda.org/conda-forge"

# What conda 24 prints for a package that it would install and, of the same one, to download.
LINK = {
    "base_url": HOST,
    "build_number": 1,
    "build_string": "h1_1",
    "channel": "conda-forge",
    "dist_name": "zlib-1.3.1-h1_1",
    "name": "zlib",
    "platform": "linux-64",
    "version": "1.3.1",
}
FETCH = {
    "arch": "x86_64",
    "build": "h1_1",
    "build_number": 1,
    "channel": f"{HOST}/linux-64",
    "constrains": [],
    "depends": ["libzlib 1.3.1 h1_1"],
    "fn": "zlib-1.3.1-h1_1.conda",
    "license": "Zlib",
    "md5": "c" * 32,
    "name": "zlib",
    "platform": "linux",
    "sha256": "a" * 64,
    "size": 92286,
    "subdir": "linux-64",
    "timestamp": 1727963148474,
    "url": f"{HOST}/linux-64/zlib-1.3.1-h1_1.conda",
    "version": "1.3.1",
}
# What micromamba 2 prints for the same: everything, for each package to install.
MICROMAMBA_LINK = {**FETCH, "build_string": "h1_1", "channel": "conda-forge", "track_features": ""}
LIBRARY = {**FETCH, "name": "libzlib", "fn": "libzlib-1.3.1-h1_1.conda", "depends": [], "sha256": "b" * 64}
LIBRARY["url"] = f"{HOST}/linux-64/libzlib-1.3.1-h1_1.conda"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a program which prints an answer and notes how it was called."""

    def make(answer: object, *, code: int = 0, error: str = "", info: object = None, before: str = "") -> Path:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        path = tmp_path / "bin" / "solver"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            f"if sys.argv[1] == 'info':\n    print({json.dumps(info)!r}); sys.exit()\n"
            f"with open({str(tmp_path / 'called.json')!r}, 'w') as file:\n"
            "    json.dump({'arguments': sys.argv[1:], 'variables': dict(os.environ)}, file)\n"
            f"sys.stdout.write({before!r}); sys.stdout.write({text!r}); sys.stderr.write({error!r}); sys.exit({code})\n"
        )
        path.chmod(0o755)
        return path

    return make


def solve(path: str | os.PathLike[str], *specs: str, **options: Any) -> LockedEnvironment:
    configuration = options.pop("configuration", None)
    return solve_externally(path, solve_request(*(specs or ("zlib",)), **options), configuration)


def called(tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    call = json.loads((tmp_path / "called.json").read_text())
    return call["arguments"], call["variables"]


def answer(link: list[Any], fetch: list[Any] | None = None) -> dict[str, Any]:
    actions = {"LINK": link, "PREFIX": "/x", **({"FETCH": fetch} if fetch is not None else {})}
    return {"actions": actions, "dry_run": True, "prefix": "/x", "success": True}


def test_conda(program: Callable[..., Path]) -> None:
    [package] = solve(program(answer([LINK], [FETCH]))).packages
    assert (package.name, package.url, package.sha256) == ("zlib", FETCH["url"], "a" * 64)
    assert package.depends == ("libzlib 1.3.1 h1_1",)
    assert package.channel == f"{HOST}/"
    assert package.record["license"] == "Zlib"


def test_micromamba(program: Callable[..., Path]) -> None:
    found = solve(program(answer([MICROMAMBA_LINK, LIBRARY])))
    assert [package.name for package in found.packages] == ["libzlib", "zlib"]
    assert "build_string" not in found.packages[1].record


def test_a_banner_before_the_answer(program: Callable[..., Path]) -> None:
    assert solve(
        program(answer([LINK], [FETCH]), before="  mamba (1.5) {supported}\n\nLooking for: ['zlib']\n")
    ).packages


def test_what_conda_has_in_its_cache_already(program: Callable[..., Path], tmp_path: Path) -> None:
    for cache, base in (("other", "https://conda.anaconda.org/elsewhere"), ("pkgs", HOST)):
        info = tmp_path / cache / "zlib-1.3.1-h1_1" / "info"
        info.mkdir(parents=True)
        (info / "repodata_record.json").write_text(
            json.dumps({**FETCH, "url": f"{base}/linux-64/zlib-1.3.1-h1_1.conda"})
        )
    caches = {"pkgs_dirs": [str(tmp_path / name) for name in ("missing", "other", "pkgs")]}
    [package] = solve(program(answer([LINK]), info=caches)).packages
    assert package.url == FETCH["url"]


def test_what_is_nowhere(program: Callable[..., Path]) -> None:
    with pytest.raises(SolverFailed, match=r"chose zlib-1\.3\.1-h1_1, and neither it nor its package cache"):
        solve(program(answer([LINK]), info={"pkgs_dirs": []}))


def test_how_it_is_asked(program: Callable[..., Path], tmp_path: Path) -> None:
    virtual = virtual_packages("linux-aarch64", glibc="2.36", environ={})
    path = program(answer([LINK], [FETCH]))
    solve(
        path,
        "zlib >=1.3",
        "team::tool",
        subdir="linux-aarch64",
        channels=["conda-forge", "bioconda"],
        channel_priority="strict",
        virtual_packages=virtual,
        offline=True,
        configuration=CondaConfiguration(channels=("configured",)),
    )
    arguments, variables = called(tmp_path)
    assert arguments[:5] == ["create", "--dry-run", "--json", "--yes", "--prefix"]
    assert not Path(arguments[5]).exists()
    assert arguments[6:] == [
        *("--offline", "--override-channels"),
        *("--channel", "conda-forge", "--channel", "bioconda", "--channel", "configured"),
        *("team::tool", "zlib >=1.3"),
    ]
    wanted = {
        "CONDA_SUBDIR": "linux-aarch64",
        "CONDA_OVERRIDE_GLIBC": "2.36",
        "CONDA_OVERRIDE_CUDA": "",
        "CONDA_OVERRIDE_ARCHSPEC": "aarch64",
        "CONDA_CHANNEL_PRIORITY": "strict",
    }
    assert {name: variables.get(name) for name in wanted} == wanted


def test_the_result_names_what_was_asked_for(program: Callable[..., Path]) -> None:
    found = solve(program(answer([LINK], [FETCH])), "zlib", channels=["https://me:s3cret@host/t/s3cret/c"])
    assert found.requested == ("zlib",)
    assert found.channels == ("https://host/c",)


def test_a_program_on_the_path(program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(answer([LINK], [FETCH]))
    monkeypatch.setenv("PATH", str(path.parent))
    assert solve("solver").packages
    monkeypatch.setenv("TOOLS", str(path.parent))
    assert solve("$TOOLS/solver").packages


def test_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(SolverFailed, match="there is no program"):
        solve(tmp_path / "missing")


CONDA_FAILURES = [
    ("PackagesNotFoundError", Unsolvable),
    ("UnsatisfiableError", Unsolvable),
    ("LibMambaUnsatisfiableError", Unsolvable),
    ("UnavailableInvalidChannel", ChannelError),
    ("CondaHTTPError", ChannelError),
    ("CondaMemoryError", SolverFailed),
]


@pytest.mark.parametrize(("name", "kind"), CONDA_FAILURES)
def test_conda_fails(program: Callable[..., Path], name: str, kind: type[Exception]) -> None:
    failure = {"error": "short", "exception_name": name, "message": "the long story of https://me:s3cret@host/c"}
    with pytest.raises(kind, match="the long story of https://host/c"):
        solve(program({**failure, "success": False}, code=1))


def test_micromamba_cannot_solve(program: Callable[..., Path]) -> None:
    path = program(
        {"solver_problems": ["nothing provides x"], "success": False}, code=1, error="critical: x is missing\n"
    )
    with pytest.raises(Unsolvable, match="x is missing"):
        solve(path)


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("", "gave no answer in JSON: it said nothing"),
        ("not JSON", "gave no answer in JSON"),
        ("[]", "gave no answer in JSON"),
        ("{" * 10_000, "gave no answer in JSON"),
        ({"success": True}, "an answer without actions"),
        ({"success": False}, "failed with exit code 0"),
    ],
)
def test_an_answer_that_is_none(program: Callable[..., Path], printed: object, message: str) -> None:
    with pytest.raises(SolverFailed, match=message):
        solve(program(printed))


def test_a_program_that_breaks_down(program: Callable[..., Path]) -> None:
    with pytest.raises(SolverFailed, match=r"failed with exit code 3: no idea"):
        solve(program("", code=3, error="no idea"))


def test_options_cannot_be_smuggled_in(program: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="not a valid package spec: '--file'"):
        solve(program(answer([])), "--file")
    assert not (tmp_path / "called.json").exists()
