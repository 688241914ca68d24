"""Images that are made, and their layers made again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import Limits, ServerConfiguration
from conda_docker.serve.errors import BlobUnknown
from conda_docker.serve.making.catalogue import Catalogue
from conda_docker.serve.making.maker import Maker
from conda_docker.serve.making.requests import Requests
from conda_docker.serve.names import parse_name
from python_docker.spec.digest import Digest


@pytest.fixture
def maker(configuration: ServerConfiguration, cache: CacheFolder) -> Iterator[Maker]:
    """Return a maker of images of a small channel."""
    catalogue = Catalogue(cache, "settings")
    requests = Requests(configuration, cache, catalogue)
    yield Maker(Limits(), cache, catalogue, requests)
    requests.close()


def test_a_digest_that_is_no_layer(maker: Maker, configuration: ServerConfiguration) -> None:
    image = maker.make(parse_name("tool").for_channels(configuration.channels))
    with pytest.raises(BlobUnknown):
        maker.path_of(image, Digest.of(b"another"))
