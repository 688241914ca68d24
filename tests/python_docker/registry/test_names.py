"""The names of the room are imported when they are used."""

from __future__ import annotations

from typing import Any

import pytest

import python_docker.image
import python_docker.registry


@pytest.mark.parametrize("room", [python_docker.registry, python_docker.image])
def test_every_name_is_there(room: Any) -> None:
    for name in room.__all__:
        assert room.__getattr__(name) is getattr(room, name)


@pytest.mark.parametrize("room", [python_docker.registry, python_docker.image])
def test_no_other_name_is(room: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = room.nothing
