"""Server: the parts of one server, put together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.urls import channel_urls
from conda_docker.redaction import public_log, public_url
from conda_docker.serve.access import Client, Rate, address_of, client_of
from conda_docker.serve.errors import Unauthorized
from conda_docker.serve.making.builds import Builds
from conda_docker.serve.making.catalogue import Catalogue
from conda_docker.serve.making.images import Images
from conda_docker.serve.making.maker import Maker
from conda_docker.serve.making.requests import Requests, settings_of
from conda_docker.serve.metrics import Metrics
from conda_docker.serve.names import channel_alias

if TYPE_CHECKING:
    from starlette.requests import Request

    from conda_docker.cache.folder import CacheFolder
    from conda_docker.serve.configuration import ServerConfiguration


class Server:
    """All that answers requests, by one configuration and in one cache."""

    def __init__(self, configuration: ServerConfiguration, cache: CacheFolder) -> None:
        limits = configuration.limits
        self._names = _public_names(configuration, cache)
        self._private = re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))
        self.configuration = configuration
        self.catalogue = Catalogue(cache, settings_of(configuration))
        self.requests = Requests(configuration, cache, self.catalogue)
        self.maker = Maker(limits, cache, self.catalogue, self.requests)
        self.builds = Builds(limits.builds, limits.waiting, limits.build_seconds)
        self.metrics = Metrics(lambda: self.builds.waiting, lambda: self.builds.under_way)
        self.asking = Rate(limits.requests_per_minute, "requests")
        self.begun = Rate(limits.builds_per_minute, "new images")
        self.images = Images(configuration, cache, self.catalogue, self.maker, self.builds, self.metrics, self.begun)

    def client(self, request: Request) -> Client:
        """Return who sends a request, which counts. Raises `Unauthorized` and `TooMany`."""
        try:
            client = client_of(request, self.configuration)
        except Unauthorized:
            # Whoever tries tokens out is slowed down as well.
            self.asking.take(f"address {address_of(request, self.configuration.proxy)}")
            raise
        self.asking.take(client.name)
        return client

    def public(self, message: str) -> str:
        """Return a message without credentials, and without where the server has its files and its channels."""
        return public_log(self._private.sub(lambda found: self._names[found[0]], message))

    def close(self) -> None:
        """Begin nothing more, and remove temporary files."""
        self.builds.close()
        self.requests.close()


def _public_names(configuration: ServerConfiguration, cache: CacheFolder) -> dict[str, str]:
    """Return what clients may hear of places, by the places: of channels their names, of files that they are there."""
    names = {f"{cache.root}/": "", str(cache.root): "the cache"}
    if configuration.environments is not None:
        names[f"{configuration.environments}/"] = ""
    for channel in configuration.channels:
        for url in channel_urls([channel], read_conda_configuration()):
            names |= {text: channel_alias(channel) for text in (url, public_url(url), channel) if ":/" in text}
    return names
