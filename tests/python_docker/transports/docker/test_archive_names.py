"""Which image of a docker archive a name means."""

from __future__ import annotations

import pytest

from python_docker.errors import NotFound
from python_docker.transports.docker.archive_names import choose_image, labels_of, parse_tag
from python_docker.transports.docker.archived_image import ArchivedImage, OpenedImage


def unopened() -> OpenedImage:
    raise AssertionError("a name is found without reading an image")


IMAGES = [ArchivedImage(tags, unopened) for tags in (("a:v1", "a:v2"), ("registry.example/b:v1",), ("Not A Name",), ())]


@pytest.mark.parametrize(
    ("name", "number", "reference"),
    [("a:v2", 0, "a:v2"), ("registry.example/b:v1", 1, "registry.example/b:v1"), ("@0", 0, "a:v1"), ("@3", 3, None)],
)
def test_by_name_or_number(name: str, number: int, reference: str | None) -> None:
    image, found = choose_image(IMAGES, name, "x.tar")
    assert image is IMAGES[number]
    assert (found and found.familiar) == reference


def test_the_only_one() -> None:
    assert choose_image(IMAGES[3:], None, "x.tar") == (IMAGES[3], None)


@pytest.mark.parametrize("name", [None, "c:v1", "@4", "@", "@-1"])
def test_messages_list_what_there_is(name: str | None) -> None:
    with pytest.raises(
        NotFound,
        match=r"^x.tar .*a:v1 or a:v2 \(@0\), registry.example/b:v1 \(@1\), Not A Name \(@2\), without a name \(@3\)",
    ):
        choose_image(IMAGES, name, "x.tar")


def test_long_lists_are_cut() -> None:
    with pytest.raises(NotFound, match="and 20 more"):
        choose_image(IMAGES * 10, "@99", "x.tar")


def test_what_is_not_a_reference_is_still_a_label() -> None:
    assert parse_tag("Not A Name") is None
    assert labels_of(IMAGES)[2] == "Not A Name (@2)"
