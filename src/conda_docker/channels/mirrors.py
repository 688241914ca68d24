"""Mirrors: other places that have what the URLs of a channel name, as rattler's, pixi's and mamba's configuration says.

A package keeps the URL of its channel, wherever its bytes come from: in lock files, in `conda-meta` and in the keys of
layers. So machines with different mirrors make the same layers.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.channels.urls import channel_urls
from conda_docker.errors import ChannelError

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration


class Mirrors:
    """The mirrors of channels, by the beginnings of their URLs. Safe to use from any number of threads.

    The longest beginning that fits counts. Where there are mirrors, the original is one of them only if it is listed
    (rattler_networking, mirror_middleware).

    >>> Mirrors({"https://conda.example.org/a": ["https://mirror.example.com/a"]}).places(
    ...     "https://conda.example.org/a/noarch/x-1-0.conda"
    ... )
    ['https://mirror.example.com/a/noarch/x-1-0.conda']
    """

    def __init__(self, mirrors: Mapping[str, Sequence[str]] | None = None) -> None:
        given = {_folder(url): [_folder(place) for place in places] for url, places in (mirrors or {}).items()}
        self._mirrors = dict(sorted(given.items(), key=lambda pair: len(pair[0]), reverse=True))
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()

    def places(self, url: str) -> list[str]:
        """Return the URLs to ask for what `url` names, those of mirrors that failed least first."""
        for beginning, places in self._mirrors.items():
            if url.startswith(beginning) and places:
                rest = url[len(beginning) :]
                with self._lock:
                    ordered = sorted(places, key=lambda place: self._failures.get(place, 0))
                return [place + rest for place in ordered]
        return [url]

    def failed(self, url: str) -> None:
        """Note that what should be at one of the `places` could not be had."""
        with self._lock:
            for place in {place for places in self._mirrors.values() for place in places}:
                if url.startswith(place):
                    self._failures[place] = self._failures.get(place, 0) + 1


def mirrored_urls(configuration: CondaConfiguration) -> dict[str, list[str]]:
    """Return the mirrors of channels that are named in `mirrored_channels` (mamba, context.cpp), by the channels' URLs.

    What is not a channel, or one that the configuration forbids, is left out: whoever asks for it hears of that.
    """
    found = {}
    for name, places in configuration.mirrored_channels.items():
        try:
            urls = channel_urls([name], configuration)
        except ChannelError:
            continue
        if len(urls) == 1:  # a name that stands for several says nothing of each
            found[urls[0]] = list(places)
    return found


def _folder(url: str) -> str:
    return url.rstrip("/") + "/"
