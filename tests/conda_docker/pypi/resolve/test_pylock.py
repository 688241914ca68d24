from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.pypi.resolve.pylock import Artifact, parse_pylock

FOLDER = Path("/lock").absolute()


def test_wheels_and_sources_are_distinguished() -> None:
    text = """
    lock-version = "1.0"
    [[packages]]
    name = "Some.Name"
    version = "1.0"
    wheels = [{ url = "https://example.com/a-1.0-py3-none-any.whl", size = 5, hashes = { sha256 = "ab" } }]
    [[packages]]
    name = "direct"
    archive = { path = "d-1.0-py3-none-any.whl", hashes = {} }
    [[packages]]
    name = "built"
    archive = { url = "https://example.com/b-1.0.tar.gz", hashes = { sha256 = "cd" } }
    [[packages]]
    name = "tree"
    directory = { path = "." }
    [[packages]]
    name = "repository"
    vcs = { type = "git", url = "https://example.com/r", commit-id = "abc", subdirectory = "py" }
    """
    named, direct, built, tree, repository = parse_pylock(text, FOLDER)
    assert (named.name, named.direct) == ("some-name", False)
    assert named.wheels == (Artifact("https://example.com/a-1.0-py3-none-any.whl", "ab", 5),)
    assert direct.direct
    assert direct.wheels == (Artifact((FOLDER / "d-1.0-py3-none-any.whl").as_uri()),)
    assert built.source == Artifact("https://example.com/b-1.0.tar.gz", "cd")
    assert tree.tree == FOLDER
    assert repository.vcs == "git+https://example.com/r@abc#subdirectory=py"


@pytest.mark.parametrize("text", ["[", 'lock-version = "2.0"', "", 'lock-version = "1.0"\npackages = [{}]'])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"cannot read the pylock\.toml"):
        parse_pylock(text, FOLDER)
