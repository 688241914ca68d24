"""What uv says when it cannot resolve becomes one message that says what to do."""

from __future__ import annotations

from conda_docker.environment.packages.wheels import Distribution, PipRequirements
from conda_docker.errors import DownloadError, InvalidPackage, Unsolvable
from conda_docker.pypi.resolve.failures import conflicting, unresolvable
from conda_docker.pypi.resolve.target import Target
from python_docker.errors import Error

PIP = PipRequirements(
    requirements=("six>2",), origin="environment.yml", places={"six>2": "environment.yml, line 7", "idna": "line 8"}
)
NUMPY = Distribution("numpy", "1.26.4", "numpy-1.26.4-0")


class Anything(Target):
    """A target whose name alone matters."""

    def __str__(self) -> str:
        return "Python 3.12 on linux-64"


TARGET = Anything.__new__(Anything)


def error(output: str, *, sdists: bool = False) -> Error:
    return unresolvable(output, PIP, TARGET, [NUMPY], sdists=sdists)


def test_the_line_that_asks_for_it_is_named() -> None:
    found = error("error: Because only six<=2 is available and you require six>2, unsatisfiable.")
    assert isinstance(found, Unsolvable)
    assert str(found).startswith("the pip requirements of environment.yml cannot be met for Python 3.12 on linux-64:")
    assert "environment.yml, line 7: six>2" in str(found)
    assert "line 8" not in str(found)


def test_a_package_that_no_index_has() -> None:
    assert "no package index that is configured has nonesuch" in str(
        error("error: Because nonesuch was not found in the package registry and you require it")
    )


def test_a_package_without_a_wheel() -> None:
    output = "error: Because six==1 has no wheels with a matching platform tag"
    assert "six has no wheel for Python 3.12" in str(error(output))
    assert "--allow-sdist" not in str(error(output, sdists=True))


def test_what_conda_brings_may_be_in_the_way() -> None:
    output = "error: Because you require numpy>=2 and numpy==1.26.4"
    assert conflicting(output, [NUMPY, Distribution("scipy", "1", "scipy-1-0")]) == [NUMPY]
    assert "numpy 1.26.4 comes with the conda package numpy-1.26.4-0" in str(error(output))


def test_an_index_that_cannot_be_read() -> None:
    found = error("error: Failed to fetch: `https://me:secret@host/simple/six/`")
    assert isinstance(found, DownloadError)
    assert "secret" not in str(found)


def test_a_repository_whose_host_is_not_known() -> None:
    assert isinstance(
        error("error: Git operation failed\ncause: Could not resolve host: git.example.org"), DownloadError
    )


def test_a_damaged_wheel() -> None:
    found = error("error: Failed to read `six @ file:///w/six.whl`\n  cause: Failed to read metadata: /w/six.whl")
    assert isinstance(found, InvalidPackage)
    assert "/w/six.whl" in str(found)


def test_long_explanations_are_cut_and_warnings_left_out() -> None:
    words = str(error("warning: something\nerror: " + "x" * 5000))
    assert "something" not in words
    assert len(words) < 2500
