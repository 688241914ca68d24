"""`conda-docker cache`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores.folder import FolderStore
from python_docker import write_image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import TarEntry
from tests.conda_docker.cli.conftest import Run
from tests.conda_docker.layers.stores.shelves import add_layer
from tests.peers import Registry
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.stub_registry import StubRegistry


@pytest.fixture
def on_a_terminal(environment: dict[str, str], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the program on a terminal, on which `answer` is typed, and gives what it shows."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

    def run(*args: str, answer: str = "") -> tuple[int, str]:
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        try:
            command = [sys.executable, "-m", "conda_docker", *args]
            code = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=theirs,
                timeout=60,
                check=False,
            ).returncode
            return code, os.read(ours, 10_000).decode()  # at least what was typed is there
        finally:
            os.close(ours)
            os.close(theirs)

    return run


def fill(folder: Path, sizes: dict[str, int]) -> int:
    """Put a layer under each key, the first used longest ago; give the bytes of their blobs."""
    cache = FolderStore(folder)
    total = 0
    for age, (key, size) in enumerate(reversed(sizes.items())):
        with build_layer(cache.blobs.writer()) as builder:
            builder.add(TarEntry("data", size=size), os.urandom(size))
        layer = builder.layer
        assert layer is not None
        cache.put(key, layer, LayerFacts())
        total += layer.size
        used = time.time() - age * 86400
        for path in folder.rglob(f"{key}.json"):
            os.utime(path, (used, used))
    return total


def test_the_folder_is_the_environment_s_choice(conda_docker: Run, tmp_path: Path) -> None:
    assert conda_docker("cache", "path").stdout == f"{tmp_path / 'cache'}\n"
    assert conda_docker("cache", "path", "--cache-dir", "elsewhere").stdout == "elsewhere\n"


def test_info_tells_what_is_there(conda_docker: Run, tmp_path: Path) -> None:
    size = fill(tmp_path / "cache", {"aa11": 1000, "bb22": 5000})
    report = json.loads(conda_docker("cache", "info", "--json").stdout)
    assert report.pop("size") > size
    assert report == {
        "path": str(tmp_path / "cache"),
        "layers": 2,
        "layers_size": size,
        "packages": 0,
        "packages_size": 0,
        "bases": 0,
        "bases_size": 0,
        "interpreters": 0,
        "interpreters_size": 0,
        "wheels": 0,
        "wheels_size": 0,
    }
    assert "2, " in conda_docker("cache", "info").stdout


def test_an_empty_cache_is_no_failure(conda_docker: Run) -> None:
    for command in ("info", "prune", "clear", "path"):
        assert conda_docker("cache", command).returncode == 0


def test_prune_keeps_what_was_used_last(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 50_000, "bb22": 50_000, "cc33": 50_000})
    assert conda_docker("cache", "prune", "--max-size", "120kB").returncode == 0
    assert {path.stem for path in (tmp_path / "cache/layers").rglob("*.json")} == {"bb22", "cc33"}


def test_prune_by_age(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 1000, "bb22": 1000, "cc33": 1000})
    assert conda_docker("cache", "prune", "--older-than", "36h").returncode == 0
    assert {path.stem for path in (tmp_path / "cache/layers").rglob("*.json")} == {"bb22", "cc33"}


def test_clear_tells_what_it_freed(conda_docker: Run, tmp_path: Path) -> None:
    size = fill(tmp_path / "cache", {"aa11": 1000})
    assert json.loads(conda_docker("cache", "clear", "--json").stdout)["bytes_freed"] > size
    assert json.loads(conda_docker("cache", "info", "--json").stdout)["layers"] == 0


def test_a_size_without_a_unit_removes_nothing(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 1000})
    result = conda_docker("cache", "prune", "--max-size", "10")
    assert (result.returncode, result.stdout) == (2, "")
    assert json.loads(conda_docker("cache", "info", "--json").stdout)["layers"] == 1


def test_a_dry_run_only_says_what_it_would_do(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 1000})
    before = conda_docker("cache", "info").stdout
    assert conda_docker("cache", "prune", "--max-size", "0", "--dry-run").stdout.startswith("would free ")
    report = json.loads(conda_docker("cache", "prune", "--max-size", "0", "--dry-run", "--json").stdout)
    assert report["bytes_freed"] > 1000
    assert report["bytes_left"] == 0
    assert conda_docker("cache", "info").stdout == before


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_it_asks_before_it_removes_most(
    on_a_terminal: Callable[..., tuple[int, str]], tmp_path: Path, answer: str, left: int
) -> None:
    fill(tmp_path / "cache", {"aa11": 50_000})
    code, screen = on_a_terminal("cache", "prune", "--max-size", "1kB", answer=answer)
    assert code == 0
    assert re.search(r"This removes \S+ \S?B of \S+ \S?B in the cache\. Go on\? \[y/N\]", screen)
    assert len(list((tmp_path / "cache/layers").rglob("*.json"))) == left


def test_on_a_terminal_it_does_not_ask_when_told_not_to_or_when_little_goes(
    on_a_terminal: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    fill(tmp_path / "cache", {"aa11": 10_000, "bb22": 50_000})
    for args in (["--max-size", "60kB"], ["--max-size", "1kB", "--yes"]):
        code, screen = on_a_terminal("cache", "prune", *args)
        assert (code, "[y/N]" in screen) == (0, False)
    assert list((tmp_path / "cache/layers").rglob("*.json")) == []


def test_nothing_is_removed_from_a_folder_that_is_no_cache(conda_docker: Run, tmp_path: Path) -> None:
    (tmp_path / "mine/packages/mine-1.0").mkdir(parents=True)
    for command in (["clear"], ["prune"], ["prune", "--dry-run"]):
        result = conda_docker("cache", *command, "--cache-dir", "mine")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "error: mine is not a cache of conda-docker: nothing was removed from it\n"
    assert (tmp_path / "mine/packages/mine-1.0").is_dir()


def test_layers_go_to_a_repository_and_come_back(
    program: Run, registry: Registry, repository: str, tmp_path: Path
) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    for name in "ab":
        add_layer(here, name)
    where = f"{registry.host}/{repository}"
    pushed = program("cache", "push", where, "--cache-dir", str(here.root))
    assert "copied 2 layers" in pushed.stdout
    assert "2 layers there already" in program("cache", "push", where, "--cache-dir", str(here.root)).stdout
    shown = json.loads(program("cache", "info", where, "--json").stdout)
    assert (shown["layers"], shown["environments"]) == (2, 0)
    pulled = json.loads(program("cache", "pull", where, "--cache-dir", str(there.root), "--json").stdout)
    assert pulled["copied"] == 2
    assert there.keys() == here.keys()
    assert "removed 0 entries" in program("cache", "prune", where, "--keep", "30d").stdout
    assert "would remove 0 entries" in program("cache", "prune", where, "--dry-run").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["localhost:1/layers", "--older-than", "1d"], "pruned by --keep alone"),
        (["localhost:1/layers", "--keep", "12h"], "--keep: '12h' is not a number of days"),
        (["localhost:1/layers", "--keep", "0h"], "only the day of the last use is known; write 1d"),
        (["--keep", "1d"], "--keep is for layer repositories"),
        (["No Name"], "No Name"),
        (["localhost:1/layers:1"], "give localhost:1/layers alone"),
        (["bob:secret@localhost:1/layers"], "log in with `docker login localhost:1`"),
        (["docker://localhost:1/layers"], "a layer repository is named without docker://"),
    ],
)
def test_times_are_for_one_kind_of_cache(program: Run, arguments: list[str], message: str) -> None:
    result = program("cache", "prune", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "secret" not in result.stderr


def test_layers_of_an_image_that_are_not_in_the_cache(program: Run, stub: StubRegistry, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "a")
    found = here.get(key)
    assert found is not None
    image = small_image("x", layers=2)
    write_image(image, f"oci:{tmp_path / 'image'}:1")
    arguments = ["push", f"{stub.host}/layers", "--image", f"oci:{tmp_path / 'image'}:1"]
    none = program("cache", *arguments, "--cache-dir", str(here.root))
    assert none.returncode == 4
    assert f"none of the 2 layers of the image is in {here.root}" in none.stderr
    image.layers.insert(0, found[0])
    write_image(image, f"oci:{tmp_path / 'image'}:1")
    some = program("cache", *arguments, "--cache-dir", str(here.root))
    assert (some.returncode, some.stdout[:14]) == (0, "copied 1 layer")
    assert "2 layers of the image are not in" in some.stderr
