"""What can be opened and written: values of other types are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from python_docker.image import Image
from python_docker.registry import Registry
from python_docker.transports import open_image, write_image
from python_docker.validation import validate


def test_what_cannot_be_meant_is_a_type_error() -> None:
    not_an_image: Any = "oci:layout"
    not_a_location: Any = 5
    for attempt in (
        lambda: open_image(not_a_location),
        lambda: write_image(Image(), not_a_location),
        lambda: write_image(not_an_image, "x.tar"),
        lambda: validate(not_an_image),
        lambda: open_image("oci:layout", registry=not_a_location),
        lambda: Image(platform=not_an_image),
        lambda: Registry(not_a_location),
        lambda: Registry(options=not_an_image),
    ):
        with pytest.raises(
            TypeError, match=r"expected a location such as|must be (Image|RegistryOptions|Platform|str)"
        ):
            attempt()
