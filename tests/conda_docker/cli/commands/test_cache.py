"""`conda-docker cache`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from conda_docker.cli.commands.cache import to_age, to_size
from conda_docker.layers.cache import LayerCache
from conda_docker.layers.facts import LayerFacts
from python_docker.layer import build_layer
from python_docker.tar import TarEntry
from tests.conda_docker.cli.conftest import Run


def fill(folder: Path, sizes: dict[str, int]) -> int:
    """Put a layer under each key, the first used longest ago; give the bytes of their blobs."""
    cache = LayerCache(folder)
    total = 0
    for age, (key, size) in enumerate(reversed(sizes.items())):
        with build_layer(cache.blobs.writer()) as builder:
            builder.add(TarEntry("data", size=size), os.urandom(size))
        cache.put(key, builder.layer, LayerFacts())
        total += builder.layer.size
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
    assert report == {
        "path": str(tmp_path / "cache"),
        "layers": 2,
        "size": size,
        "packages": 0,
        "packages_size": 0,
    }
    assert "2, " in conda_docker("cache", "info").stdout


def test_an_empty_cache_is_no_failure(conda_docker: Run) -> None:
    for command in ("info", "prune", "clear", "path"):
        assert conda_docker("cache", command).returncode == 0


def test_prune_keeps_what_was_used_last(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 50_000, "bb22": 50_000, "cc33": 50_000})
    assert conda_docker("cache", "prune", "--max-size", "110kB").returncode == 0
    assert {path.stem for path in (tmp_path / "cache/layers").rglob("*.json")} == {"bb22", "cc33"}


def test_prune_by_age(conda_docker: Run, tmp_path: Path) -> None:
    fill(tmp_path / "cache", {"aa11": 1000, "bb22": 1000, "cc33": 1000})
    assert conda_docker("cache", "prune", "--older-than", "36h").returncode == 0
    assert {path.stem for path in (tmp_path / "cache/layers").rglob("*.json")} == {"bb22", "cc33"}


def test_clear_tells_what_it_freed(conda_docker: Run, tmp_path: Path) -> None:
    size = fill(tmp_path / "cache", {"aa11": 1000})
    assert json.loads(conda_docker("cache", "clear", "--json").stdout) == {"bytes_freed": size}
    assert json.loads(conda_docker("cache", "info", "--json").stdout)["layers"] == 0


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12", 12), ("1k", 1000), ("1.5MB", 1_500_000), ("2GiB", 2 << 30), ("3 tb", 3 * 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    assert to_size("--max-size", text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1EB", "1MBB", "1iB", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid size"):
        to_size("--max-size", text)


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600), ("0.5d", 43200), ("2W", 1_209_600)])
def test_ages(text: str, seconds: float) -> None:
    assert to_age("--older-than", text) == seconds


@pytest.mark.parametrize("text", ["", "1", "d", "1y", "-1d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid time"):
        to_age("--older-than", text)
