"""What the values of options mean that only the command line has."""

from __future__ import annotations

import pytest

from conda_docker.cli.options.arguments import to_destination, to_image_name, to_lines, to_platform, to_source
from conda_docker.errors import UnsupportedInput
from python_docker.errors import InvalidPlatform, InvalidReference
from python_docker.spec.platform import Platform


def test_a_platform_may_be_written_as_the_subdir_of_its_packages() -> None:
    assert to_platform("--platform", "linux-64") == to_platform("--platform", "linux/amd64")
    assert to_platform("--platform", "windows/amd64") == Platform("windows", "amd64")
    with pytest.raises(UnsupportedInput, match="osx-arm64 do not run in a Linux image"):
        to_platform("--platform", "osx-arm64")


def test_other_forms_of_platforms_are_refused() -> None:
    with pytest.raises(InvalidPlatform, match="not a platform"):
        to_platform("--platform", "a b")


def test_a_name_may_not_hold_a_digest() -> None:
    assert to_image_name("--image", "org/demo").familiar == "org/demo:latest"
    with pytest.raises(InvalidReference):
        to_image_name("--image", "UPPER")
    with pytest.raises(ValueError, match=r"--image: .* contains a digest"):
        to_image_name("--image", f"demo@sha256:{64 * '0'}")


@pytest.mark.parametrize(
    "text",
    ["docker-archive:x.tar:UPPER", "docker-daemon:UPPER", "docker://UPPER", "oci:layout:a b", "oci-archive:x.tar:@0"],
)
def test_a_name_that_a_place_cannot_give_is_noticed_at_once(text: str) -> None:
    with pytest.raises(InvalidReference):
        to_destination("--output", text)


def test_a_place_is_recognized_by_its_form() -> None:
    assert to_destination("--output", "demo.tar").transport == "docker-archive"
    assert to_source("SRC", "demo").transport == "docker"
    with pytest.raises(InvalidReference, match="oci-archive:PATH"):
        to_destination("--output", "demo")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=b\n", {"a": "b"}),
        ("\na=b\r\n", {"a": "b"}),
        ("a=b\nc=d\n", {"a": "b", "c": "d"}),
        ("a=one\ntwo\n\nthree\n", {"a": "one\ntwo\n\nthree"}),
    ],
)
def test_lines_of_pairs(text: str, found: dict[str, str]) -> None:
    assert to_lines("--label", [text]) == found


def test_an_odd_line_among_pairs_is_named() -> None:
    with pytest.raises(ValueError, match="--label: expected NAME=VALUE on each line, got '# e=f' on one of 3"):
        to_lines("--label", ["a=b\nc=d\n# e=f"])
