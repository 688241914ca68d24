"""Downloads by rattler, which knows object stores, registries and keyrings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conda_docker.errors import DownloadError
from conda_docker.redaction import public_text, public_url

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration


def download_by_rattler(url: str, configuration: CondaConfiguration, take: Callable[[bytes], object]) -> None:
    """Have rattler download what is at a URL, and give it to `take` in pieces.

    Raises `DownloadError`, and whatever `take` raises, which ends the download.
    """
    from rattler.package_streaming import download_to_writer

    from conda_docker.channels.rattler_client import rattler_client, rattler_configuration
    from conda_docker.channels.rattler_engine import run

    writer = _Writer(take)
    client = rattler_client(rattler_configuration(configuration))
    try:
        run(lambda: download_to_writer(client, url, writer))
    except Exception as error:
        if writer.failure is not None:
            raise writer.failure from None
        raise DownloadError(f"cannot download {public_url(url)}: {public_text(str(error))[:500]}") from None


class _Writer:
    """Keeps the error that ends a download: rattler passes on its text alone."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self.failure: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            self._take(data)
        except Exception as error:
            self.failure = error
            raise
        return len(data)
