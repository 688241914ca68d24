"""A package that is to come from an index of its own comes from there, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import PipOption, PipRequirements
from conda_docker.errors import Unsolvable
from conda_docker.pypi.resolve.resolve import resolve_wheels
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.serving import served
from tests.conda_docker.pypi.wheels import make_wheel


@pytest.fixture
def url(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of two indexes: `main`, which pip is configured to use, and `special`."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for index, name, version, requires in (
        ("main", "torch", "2.9", ()),
        ("main", "numpy", "2.0", ()),
        ("main", "vision", "1.0", ("torch", "numpy")),
        ("special", "torch", "2.6+cu124", ("numpy",)),
        ("special", "numpy", "9.0", ()),
    ):
        folder = tmp_path / "indexes" / index / name
        folder.mkdir(parents=True)
        wheel = make_wheel(folder, name, version, requires=requires)
        (folder / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>')
    with served(tmp_path / "indexes") as host:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://{host}/main")
        yield f"http://{host}"


def versions(tmp_path: Path, pip: PipRequirements) -> dict[str, str]:
    environment = LockedEnvironment("linux-64", (conda_package("python", "3.12.4"),), pip=pip)
    return {wheel.name: wheel.version for wheel in resolve_wheels(environment, cache_dir=tmp_path / "cache").wheels}


def test_the_index_of_one_package(url: str, tmp_path: Path) -> None:
    pip = PipRequirements(requirements=("vision", "torch>=2"), indexes={"torch": f"{url}/special"})
    assert versions(tmp_path, pip) == {"torch": "2.6+cu124", "numpy": "2.0", "vision": "1.0"}


@pytest.mark.parametrize(
    ("strategy", "torch", "numpy"), [("first-index", "2.6+cu124", "9.0"), ("unsafe-best-match", "2.9", "9.0")]
)
def test_strategies(url: str, tmp_path: Path, strategy: str, torch: str, numpy: str) -> None:
    pip = PipRequirements(
        requirements=("vision",), options=(PipOption("extra-index-url", f"{url}/special"),), index_strategy=strategy
    )
    assert versions(tmp_path, pip) == {"torch": torch, "numpy": numpy, "vision": "1.0"}


def test_the_first_index_alone_does_not_do_and_the_way_out_is_said(url: str, tmp_path: Path) -> None:
    pip = PipRequirements(
        requirements=("torch==2.9",),
        options=(PipOption("extra-index-url", f"{url}/special"),),
        index_strategy="first-index",
    )
    with pytest.raises(Unsolvable, match=r'torch is on http.*/special, in other versions.*"unsafe-best-match"'):
        versions(tmp_path, pip)


def test_overrides(url: str, tmp_path: Path) -> None:
    pip = PipRequirements(requirements=("vision",), overrides=("torch ; sys_platform == 'never'",))
    assert versions(tmp_path, pip) == {"numpy": "2.0", "vision": "1.0"}
