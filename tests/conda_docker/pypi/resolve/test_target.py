from __future__ import annotations

import pytest

from conda_docker.errors import UnsupportedInput
from conda_docker.pypi.resolve.target import Target, target_of
from tests.conda_docker.pypi.conftest import conda_package

TARGET = Target("3.12.4", "x86_64", (2, 36))


@pytest.mark.parametrize(
    ("glibc", "platform"),
    [
        ((2, 36), "x86_64-manylinux_2_36"),
        ((2, 30), "x86_64-manylinux_2_28"),
        ((2, 45), "x86_64-manylinux_2_40"),
        ((2, 12), "x86_64-manylinux_2_17"),
    ],
)
def test_uv_is_asked_for_the_newest_platform_that_the_glibc_serves(glibc: tuple[int, int], platform: str) -> None:
    assert Target("3.12.4", "x86_64", glibc).uv_platform == platform


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", "a-1-cp311-abi3-manylinux_2_28_x86_64.whl"),
        ("a-1-cp311-abi3-manylinux_2_34_x86_64.whl", "a-1-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"),
        ("a-1-cp39-abi3-manylinux1_x86_64.whl", "a-1-py3-none-any.whl"),
        ("a-1-py3-none-manylinux2014_x86_64.whl", "a-1-py2.py3-none-any.whl"),
    ],
)
def test_the_wheel_that_fits_best_is_taken(better: str, worse: str) -> None:
    assert TARGET.best([worse, better]) == better


@pytest.mark.parametrize(
    "name",
    [
        "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_39_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_28_aarch64.whl",
        "a-1-cp312-cp312-musllinux_1_2_x86_64.whl",
        "a-1-cp312-cp312t-manylinux_2_28_x86_64.whl",
        "a-1-cp313-abi3-manylinux_2_28_x86_64.whl",
        "a-1-cp312-cp312-win_amd64.whl",
        "not a wheel",
    ],
)
def test_a_wheel_of_another_python_or_platform_does_not_fit(name: str) -> None:
    assert TARGET.best([name]) is None


@pytest.mark.parametrize(
    ("build", "subdir", "named"),
    [
        ("h0_0_pypy", "linux-64", "PyPy"),
        ("h0_0_cpython", "linux-ppc64le", "linux-ppc64le"),
        ("h0_0_cpython", "win-64", "win-64"),
    ],
)
def test_what_uv_cannot_choose_wheels_for_is_refused_by_name(build: str, subdir: str, named: str) -> None:
    with pytest.raises(UnsupportedInput, match=named):
        target_of(conda_package("python", "3.13.1", build), subdir, None)


def test_a_free_threaded_python_has_wheels_of_its_own() -> None:
    target = target_of(conda_package("python", "3.14.1", "h0_100_cp314t"), "linux-64", "2.36")
    names = [f"a-1-cp314-{abi}-manylinux_2_28_x86_64.whl" for abi in ("cp314", "cp314t")]
    assert target.best(names) == names[1]
    assert target.best([names[0], "a-1-cp311-abi3-manylinux_2_28_x86_64.whl"]) is None
    assert target.best([names[0], "a-1-py3-none-any.whl"]) == "a-1-py3-none-any.whl"


def test_pypy_has_wheels_of_its_own() -> None:
    target = target_of(conda_package("python", "3.9.18", "0_73_pypy"), "linux-64", "2.36")
    assert str(target) == "PyPy 3.9.18 on x86_64 with glibc 2.36"
    own = "a-1-pp39-pypy39_pp73-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    others = [
        "a-1-cp39-cp39-manylinux_2_17_x86_64.whl",
        "a-1-cp36-abi3-manylinux_2_17_x86_64.whl",
        "a-1-pp310-pypy310_pp73-manylinux_2_17_x86_64.whl",
        "a-1-pp39-pypy39_pp73-win_amd64.whl",
    ]
    assert target.best(others) is None
    assert target.best([*others, "a-1-py3-none-any.whl"]) == "a-1-py3-none-any.whl"
    assert target.best([*others, "a-1-py3-none-any.whl", own]) == own
    assert target.applies("platform_python_implementation == 'PyPy' and implementation_name != 'cpython'")


def test_a_free_threaded_python_is_known_by_its_folder_too() -> None:
    python = conda_package("python", "3.14.1", "0", python_site_packages_path="lib/python3.14t/site-packages")
    assert target_of(python, "linux-64", "2.36").free_threaded


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        (None, True),
        ("python_full_version < '3.14' and sys_platform == 'linux'", True),
        ("platform_machine == 'aarch64' or os_name == 'nt'", False),
        ("implementation_name == 'pypy'", False),
    ],
)
def test_markers_are_about_the_image(marker: str | None, applies: bool) -> None:
    assert TARGET.applies(marker) is applies


def test_without_a_base_that_tells_glibc_is_that_of_the_solver() -> None:
    assert target_of(conda_package("python", "3.12.1", "h0_0_cpython"), "linux-aarch64", None).glibc == (2, 28)
