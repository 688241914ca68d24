"""From rattler's errors to messages for the person who asked for packages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from conda_docker.arguments.amounts import format_size
from conda_docker.bounded.limit import usual_bounds
from conda_docker.errors import CacheError, ChannelError, InvalidEnvironment, SolverFailed, TookTooLong, Unsolvable
from conda_docker.redaction import public_text, public_url
from python_docker.errors import CredentialsError, Error

_DAMAGE = r"failed to (?:parse|extract)|(?i:deserialize|decode)|expected |EOF while parsing"
_MISSING = r"could not find subdir '[^']*' in channel '(?P<url>[^']+)'"
_CACHE = r"Permission denied|No space left|Read-only file system|Disk quota|failed to create"
_URL = r"\b\w{1,31}://[^\s)'\"]+"
_TOO_NEW = r"is excluded because the package is uploaded after the cutoff date of ([\d-]{10} [\d:]{8})"
_INDEX = r"/[a-z0-9]+(?:-[a-z0-9]+)?/[^/]*$"  # /linux-64/repodata.json


def rattler_errors() -> tuple[type[Exception], ...]:
    """Return the kinds of errors by which rattler says that it cannot solve."""
    from rattler import exceptions

    return (
        exceptions.AuthenticationStorageError,
        exceptions.CacheDirError,
        exceptions.FetchRepoDataError,
        exceptions.GatewayError,
        exceptions.InvalidChannelError,
        exceptions.InvalidPackageNameError,
        exceptions.InvalidUrlError,
        exceptions.InvalidVersionError,
        exceptions.IoError,
        exceptions.SolverError,
    )


def is_damage(error: Exception) -> bool:
    """Return whether rattler says that an index, which is there, cannot be understood."""
    return type(error).__name__ != "AuthenticationStorageError" and re.search(_DAMAGE, str(error)) is not None


def failed_for_another(error: Exception) -> bool:
    """Return whether an index was being read for somebody else, to whom alone rattler says why that failed."""
    return "a coalesced request failed" in str(error)


def explain(error: Exception, channels: Sequence[str], subdir: str, *, blamed: Sequence[str] = ()) -> Error:
    """Return the error to raise for one of rattler's; `channels` are the URLs that were searched.

    `blamed` are those whose indexes cannot be read, where that is known: rattler does not always say which.
    `Unsolvable` carries the solver's own words.
    """
    text = public_text(str(error)).strip()
    kind = type(error).__name__
    if kind == "SolverError" and "has been cancelled" in text:
        return TookTooLong(
            "finding packages that fit takes longer than is allowed here: name versions, or fewer packages"
        )
    if kind == "SolverError":
        return Unsolvable(_unsolvable(text, channels, subdir))
    if kind in ("InvalidPackageNameError", "InvalidVersionError"):
        return InvalidEnvironment(f"a requested package cannot be parsed: {text}")
    if kind == "AuthenticationStorageError":
        return CredentialsError(f"the credentials for channels that rattler stores cannot be read: {text}")
    if "File too large" in text:
        found = re.search(_URL, text)
        where = f" at {re.sub(_INDEX, '', found[0])}" if found else ""
        return ChannelError(f"the index of the channel{where} is larger than any is: {text}")
    if kind in ("IoError", "CacheDirError") or re.search(_CACHE, text):
        return CacheError(
            f"the cache of channel indexes cannot be written: {text}\nRATTLER_CACHE_DIR chooses another folder for it"
        )
    return ChannelError(_channel(text, blamed))


def took_too_much(channels: Sequence[str]) -> Error:
    """Return the error to raise where that takes more memory than it may; `channels` are those that were named."""
    named = f" ({', '.join(map(public_url, channels))})" if channels else ""
    return SolverFailed(
        f"reading the indexes of channels and finding packages takes more than {format_size(usual_bounds().memory)} of "
        f"memory: an index may be damaged, or made to exhaust it; check the channels{named}, or name versions and "
        "fewer packages"
    )


def _unsolvable(text: str, channels: Sequence[str], subdir: str) -> str:
    explanation = re.sub(_TOO_NEW, _too_new, text.removeprefix("Cannot solve the request because of:").strip())
    lines = [f"no packages for {subdir} satisfy the request: {explanation}"]
    lines.append(f"channels searched: {', '.join(map(public_url, channels)) or 'none'}")
    virtual = sorted(set(re.findall(r"\b__(?:glibc|cuda|linux|archspec|cuda_arch)\b", explanation)))
    if virtual:
        lines.append(f"what the system offers can be set, such as with --virtual-package {virtual[0]}=VERSION")
    return "\n".join(lines)


def _too_new(found: re.Match[str]) -> str:
    """Return what rattler says of a package that is too new; it names the end of a day by the midnight after it."""
    moment = datetime.fromisoformat(found[1])
    last = moment - timedelta(days=1)
    when = f"{moment} UTC" if moment.time() != time() else str(last.date())
    return f"is excluded by exclude-newer: it is newer than {when}"


def _channel(text: str, blamed: Sequence[str]) -> str:
    cause = text.splitlines()[-1].removeprefix("Caused by: ")
    found = re.search(_URL, text)
    where = f" at {re.sub(_INDEX, '', found[0])}" if found else ""
    if missing := re.search(_MISSING, text):
        url = missing["url"]
        advice = (
            "the folder must hold noarch/repodata.json: index it, for instance with `python -m conda_index`"
            if url.startswith("file:")
            else "check its name or URL, and whether it needs credentials: some servers hide private channels so"
        )
        return f"there is no channel at {url} ({cause}); {advice}"
    if "no usable repodata cache" in text:
        url = f" of {re.sub(_INDEX, '', found[0])}" if found else " of a channel"
        return f"the index{url} is not on this machine; run once without --offline, which downloads it"
    if re.search(r"\b(401|403|407)\b", text):
        return (
            f"a channel refuses access: {text}\n"
            "log in with `pixi auth login HOST`, `rattler auth login HOST` or an entry in ~/.netrc"
        )
    if re.search(r"(?i)certificate|\btls\b|unknownissuer|invalid peer", text):
        return (
            f"no secure connection to the channel{where}: {cause}\n"
            "if a proxy or an internal server has an authority of its own, name the file of its certificate in "
            "SSL_CERT_FILE or in ssl_verify of ~/.condarc"
        )
    if re.search(r"(?i)dns error|error sending request|connect", text):
        return (
            f"the channel{where} cannot be reached: {cause}\n"
            "check the network and the proxy settings; with --offline, indexes that were downloaded before are used"
        )
    if re.search(r"(?i)decode|deserialize|expected|parse|invalid|truncated", text):
        named = f" at {' and '.join(map(public_url, blamed))}" if blamed else where
        return f"the index of a channel is damaged or is not an index{named}: {text}"
    return f"a channel cannot be read: {text}"
