"""Channels: whether they answer, how fast, and whether there are credentials for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from conda_docker.arguments.amounts import format_size
from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.credentials import Credentials
from conda_docker.channels.http_options import http_options
from conda_docker.channels.urls import channel_urls, choose_channels
from conda_docker.doctor.check import Check, Status, ok
from conda_docker.redaction import public_text, public_url
from python_docker.errors import Error
from python_docker.http.client import HttpClient
from python_docker.http.failure import HttpError

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration

_INDEX = "noarch/repodata.json.zst"
_SECONDS = 10.0
_ENOUGH = 4 << 20  # bytes of the index that tell how fast it comes
_SLOW = 500_000  # bytes per second; a scientific environment takes minutes then


def check_channels(named: Sequence[str] = (), *, offline: bool = False) -> Iterator[Check]:
    """Yield a check of each channel of the user's configuration, after those `named`; `offline`, of no channel."""
    try:
        configuration = read_conda_configuration()
        yield ok("conda's configuration", ", ".join(map(str, configuration.files)) or "none")
        urls = channel_urls(choose_channels(named, configuration), configuration)
    except Error as error:
        yield Check("conda's configuration", Status.ERROR, str(error), "correct it, or move the file away")
        return
    for url in () if offline else urls:
        yield _check(url, configuration)


def _check(url: str, configuration: CondaConfiguration) -> Check:
    subject = f"channel {public_url(url)}"
    scheme = urlsplit(url).scheme
    if scheme == "file":
        folder = Path(url2pathname(urlsplit(url).path))
        found = f"a folder with {len(list(folder.glob('*/repodata*')))} indexes" if folder.is_dir() else "not there"
        return Check(subject, Status.OK if folder.is_dir() else Status.ERROR, found)
    if scheme not in {"http", "https"}:
        return ok(subject, f"read by rattler ({scheme}), not examined here")
    if configuration.offline:
        return Check(subject, Status.WARNING, "not examined: conda's configuration says offline")
    try:
        return _measure(subject, url, configuration)
    except HttpError as error:
        return Check(
            subject, Status.ERROR, public_text(str(error)), "check the network, the proxy and the certificates"
        )
    except Error as error:
        return Check(subject, Status.ERROR, str(error))


def _measure(subject: str, url: str, configuration: CondaConfiguration) -> Check:
    options = http_options(configuration).with_fields(connect_timeout=_SECONDS, read_timeout=_SECONDS, attempts=1)
    access = Credentials(configuration).access(f"{url}/{_INDEX}")
    client = HttpClient(options)
    begun = time.monotonic()
    try:
        response = client.send("GET", access.url, authorization=access.authorization_at)
        answered = time.monotonic()
        status, size = response.status, 0
        while status == 200 and size < _ENOUGH and time.monotonic() - answered < _SECONDS:
            data = response.read1()
            if not data:
                break
            size += len(data)
        taken = time.monotonic() - answered
        response.close()
    finally:
        client.close()
    login = "with credentials" if access.authorization or access.url != f"{url}/{_INDEX}" else "without credentials"
    if status in {401, 403}:
        return Check(
            subject,
            Status.ERROR,
            f"refuses access (HTTP {status}), {login}",
            "log in, for example with `pixi auth login`",
        )
    if status not in {200, 404}:  # channels without this form of the index have others
        return Check(subject, Status.ERROR, f"answers with HTTP {status}")
    found = f"answers in {answered - begun:.2f} s, {login}"
    if not size:
        return ok(subject, found)
    rate = size / max(taken, 1e-6)
    found += f"; {format_size(rate)}/s"
    if rate < _SLOW:
        return Check(subject, Status.WARNING, found, "a mirror that is nearer would help")
    return ok(subject, found)
