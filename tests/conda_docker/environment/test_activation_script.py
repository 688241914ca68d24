"""Activation scripts of a project, in an image and in lock files."""

from __future__ import annotations

import pytest

from conda_docker.environment.activation_script import ActivationScript, from_json, script_files, to_json

SCRIPTS = (ActivationScript("b.sh", "export B=1\n"), ActivationScript("a.sh", "export A=$B\n"))


def test_they_keep_their_order_and_come_after_those_of_packages() -> None:
    packages = [f"etc/conda/activate.d/{name}" for name in ("activate-gcc.sh", "zlib.sh", "~cuda-nvcc_activate.sh")]
    files = list(script_files(SCRIPTS))
    assert [name.rpartition("-")[2] for name in files] == ["b.sh", "a.sh"]
    assert sorted([*files, *packages]) == [*packages, *files]


def test_what_is_written_can_be_read() -> None:
    assert from_json(to_json(SCRIPTS)) == SCRIPTS


@pytest.mark.parametrize(
    "items",
    [None, "a", [1], [{}], [{"name": "a", "text": ""}], [{"name": "a.sh"}], [{"name": "a.sh", "text": "\ud800"}]],
)
def test_what_is_damaged(items: object) -> None:
    with pytest.raises(ValueError, match=r"activation script|surrogates"):
        from_json(items)
