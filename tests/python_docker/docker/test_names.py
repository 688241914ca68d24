"""What an engine's images are called."""

from __future__ import annotations

import pytest

from python_docker.docker.names import engine_name, is_image_id
from python_docker.errors import InvalidReference


@pytest.mark.parametrize(
    ("image", "tag", "name"),
    [
        ("ubuntu", None, "ubuntu:latest"),
        ("ubuntu", "24.04", "ubuntu:24.04"),
        ("ubuntu:24.04", None, "ubuntu:24.04"),
        ("localhost:5000/team/app", None, "localhost:5000/team/app:latest"),
        ("localhost:5000/team/app", "v1", "localhost:5000/team/app:v1"),
        ("docker.io/library/ubuntu", "24.04", "docker.io/library/ubuntu:24.04"),
        (f"app@sha256:{'0' * 64}", None, f"app@sha256:{'0' * 64}"),
        (f"sha256:{'0' * 64}", None, f"sha256:{'0' * 64}"),
        ("0123456789ab", None, "0123456789ab"),
        ("0123456789ab", "v1", "0123456789ab:v1"),
    ],
)
def test_names_and_ids_are_told_apart(image: str, tag: str | None, name: str) -> None:
    assert engine_name(image, tag) == name


@pytest.mark.parametrize(("image", "tag"), [("--help", None), ("App", "v1"), ("app", "a b"), ("a:b", "c"), ("", "v1")])
def test_what_is_no_name_is_refused(image: str, tag: str | None) -> None:
    with pytest.raises(InvalidReference):
        engine_name(image, tag)


@pytest.mark.parametrize("name", ["cafe", "cafe:latest", "0123456789aB", f"sha256:{'0' * 63}"])
def test_what_is_no_image_id(name: str) -> None:
    assert not is_image_id(name)
