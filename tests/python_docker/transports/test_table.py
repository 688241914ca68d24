"""The table of media: each row can be opened, and help texts and reports know all of them."""

from __future__ import annotations

from importlib import import_module

import pytest

from conda_docker.cli.options.common import LOCATIONS
from python_docker.transports.medium import Destination, Source
from python_docker.transports.table import FORMS, INDEX_FORMS, MEDIA, Medium


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")} | set(protocol.__annotations__)


@pytest.mark.parametrize("medium", MEDIA.values(), ids=MEDIA)
def test_the_classes_of_a_row_are_a_source_and_a_destination(medium: Medium) -> None:
    for path, protocol in ((medium.source, Source), (medium.destination, Destination)):
        module, _, name = path.partition(":")
        found = getattr(import_module(module), name)
        assert callable(found.open)
        assert {member for member in members(protocol) if not hasattr(found, member)} == set()


@pytest.mark.parametrize("medium", MEDIA.values(), ids=MEDIA)
def test_a_row_says_of_indexes_what_its_destination_says(medium: Medium) -> None:
    module, _, name = medium.destination.partition(":")
    assert getattr(import_module(module), name).takes_index == medium.holds_index


def test_help_names_every_medium() -> None:
    assert all(medium.form in LOCATIONS for medium in MEDIA.values())
    assert LOCATIONS.startswith(FORMS)


def test_the_media_that_hold_indexes() -> None:
    assert INDEX_FORMS == "docker://REF, oci:DIR, oci-archive:PATH, dir:DIR"
