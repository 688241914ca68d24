"""What users type to ask for a package, made ready for the solver."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.urls import channel_urls, check_channels
from conda_docker.environment.packages.normal_spec import by_name, normal_spec
from conda_docker.environment.packages.package_url import channel_of_url
from conda_docker.environment.solve.slips import meant, suggestion, wrong_build
from conda_docker.errors import InvalidSpec
from conda_docker.redaction import public_text
from conda_docker.user_files import is_there, user_path

if TYPE_CHECKING:
    from rattler import MatchSpec

_SUBDIR = r"/(noarch|(?:linux|osx|win)-[a-z0-9]+)$"
# A separator of constraints with none after it.
_FOR_PIP = re.compile(r"-[ecr]\s|--[a-z-]+[\s=]|(?:bzr|git|hg|svn)\+[a-z]+:|[\w.-]+\s*@\s*[a-z+]+:")
_COMMENT = re.compile(r"\s#.*")
_STRAY = re.compile(r"[,|] *(?=[,|]|$)")
_CHANNEL_FIELD = re.compile(r"(?:^|,)\s*channel\s*=\s*(?P<channel>'[^']+'|\"[^\"]+\"|[^,'\"\]]+?)\s*(?=[,\]])")
_ARCHIVE = re.compile(r"\.(?:conda|tar\.bz2)(?:#|$)")
_LONGEST = 10_000  # characters of a spec
_DEEPEST = 100  # brackets of a spec: rattler ends the process at some thousands
_HASH = r"(?i)(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64})"


class RequestedSpec(NamedTuple):
    """A match spec. `text` is what was asked for, without credentials, `typed` the same with them.

    `spec` is the same without a channel in front; `channels` are the URLs that it may come from then, of which the
    first that has the package counts, and `subdir` is that of the channel, if one was named. Where `spec` is the URL of
    an archive, `sha256` or `md5` is the hash that it must have, if one was named.
    """

    text: str
    typed: str
    spec: str
    channels: tuple[str, ...] = ()
    subdir: str | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def is_archive(self) -> bool:
        """Whether the spec is the URL of a package rather than a name."""
        return "://" in self.spec and not self.channels and _ARCHIVE.search(self.spec) is not None

    @property
    def name(self) -> str:
        """The package's name, or what stands in its place."""
        return re.split(r"[\s<>=!~;\[]", self.spec, maxsplit=1)[0].lower()

    def for_channel(self, url: str) -> str:
        """Return the match spec that takes the package from the channel at `url` alone."""
        parts = [f"channel='{url}'"] + ([f"subdir='{self.subdir}'"] if self.subdir else [])
        if self.spec.endswith("]"):
            return f"{self.spec[:-1]},{','.join(parts)}]"
        return f"{self.spec}[{','.join(parts)}]"


def read_specs(specs: Iterable[str], configuration: CondaConfiguration) -> list[RequestedSpec]:
    """Return the match specs that the user asked for, each once, in the order of their normal form.

    `channel::package` names the channel to take a package from, as a name, a URL or a path. A path or URL that ends in
    `.conda` or `.tar.bz2` is that package's, and may be followed by `#` and its MD5 or SHA-256. Raises
    `InvalidEnvironment`, and `ChannelError` for what is not a channel.

    >>> [spec] = read_specs(["bioconda::samtools >=1.20"], CondaConfiguration())
    >>> spec.for_channel(spec.channels[0])
    "samtools >=1.20[channel='https://conda.anaconda.org/bioconda']"
    """
    read = [_read(_COMMENT.sub("", text).strip(), configuration) for text in specs]
    # The order in which packages are asked for must not decide what the solver takes.
    by_text = {normal_spec(spec.text): spec for spec in read}
    return [by_text[text] for text in sorted(by_text, key=by_name)]


def match_spec(spec: str, text: str, *, exact_names_only: bool = True) -> MatchSpec:
    """Return a match spec as rattler understands it. `text` is what was asked for, which errors show.

    The name may be a pattern such as `*gpl*` unless `exact_names_only`. Raises `InvalidSpec`.
    """
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        # Lenient: "numpy 1.26" and "numpy=1.26=h_0" are conda's everyday forms.
        read = MatchSpec(spec, strict=False, exact_names_only=exact_names_only)
    except InvalidMatchSpecError as error:
        reason = public_text(str(error)).splitlines()[0]
        hint = suggestion(meant(text))
        raise InvalidSpec(f"not a valid package spec: {text[:200]!r} ({reason}){hint}", text) from error
    if (wrong := wrong_build(read.build, text)) is not None:
        raise InvalidSpec(f"not a valid package spec: {text[:200]!r}: {wrong}", text)
    return read


def _read(text: str, configuration: CondaConfiguration) -> RequestedSpec:
    if _FOR_PIP.match(text):
        raise InvalidSpec(
            f"not a valid package spec: {public_text(text)[:200]!r}: that is for pip, and belongs under `- pip:` in an "
            "environment.yml",
            text,
        )
    # A leading dash would be an option to another solver.
    if not text or text.startswith("-") or "\n" in text or "\0" in text:
        raise InvalidSpec(f"not a valid package spec: {public_text(text)[:80]!r}", text)
    if len(text) > _LONGEST or text.count("(") > _DEEPEST:
        problem = f"it has more than {_LONGEST} characters" if len(text) > _LONGEST else "it has too many brackets"
        raise InvalidSpec(f"not a valid package spec: {public_text(text[:_LONGEST])[:80]!r}...: {problem}", text)
    public = public_text(text)
    outside, bracket, inside = text.partition("[")
    if _STRAY.search(outside):
        hint = suggestion(_STRAY.sub("", outside).strip() + bracket + inside)
        raise InvalidSpec(f"not a valid package spec: {public[:200]!r}: nothing follows a comma or bar{hint}", text)
    if bracket and inside.partition("]")[0].strip() and "=" not in inside.partition("]")[0]:
        hint = suggestion(outside.strip() + inside.partition("]")[2])
        raise InvalidSpec(f"not a valid package spec: {public[:200]!r}: conda packages have no extras{hint}", text)
    if "::" not in text and "[" not in text and _ARCHIVE.search(text):
        return _archive(text, configuration, public)
    channel, separator, rest = outside.rpartition("::")
    if not separator and (named := _CHANNEL_FIELD.search(inside)):
        # conda's other spelling of `channel::package`
        channel, separator = named["channel"].strip("'\""), "::"
        inside = _without(inside, named)
        bracket = "[" if inside else ""
    if not separator:
        return RequestedSpec(public, text, text)
    if not channel or not rest.strip():
        raise InvalidSpec(f"not a valid package spec: {public[:80]!r} (write channel::package)", text)
    subdir = re.search(_SUBDIR, channel)
    urls = channel_urls([os.path.expandvars(channel)], configuration)
    return RequestedSpec(public, text, rest.strip() + bracket + inside, urls, subdir[1] if subdir else None)


def _without(inside: str, field: re.Match[str]) -> str:
    """Return what follows a bracket without one of its fields, empty where nothing is left."""
    left = (inside[: field.start()] + inside[field.end() :]).removeprefix(",").strip()
    return "" if left == "]" else left


def _archive(text: str, configuration: CondaConfiguration, public: str) -> RequestedSpec:
    """Return the spec of a package by its URL or path, with the hash behind it."""
    location, mark, fragment = text.partition("#")
    digest = re.fullmatch(_HASH, fragment.strip())
    if mark and digest is None:
        raise InvalidSpec(
            f"not a valid package spec: {public[:200]!r}: what follows the # is neither an MD5 nor a SHA-256", text
        )
    if "://" not in location:
        path = user_path(location)
        if not is_there(path) or not path.is_file():
            raise InvalidSpec(f"there is no package at {location}", text)
        location = path.resolve().as_uri()
    elif holder := channel_of_url(location):
        check_channels([holder], configuration)
    hashes = {} if digest is None else {kind: value.lower() for kind, value in digest.groupdict().items() if value}
    return RequestedSpec(public, text, location, sha256=hashes.get("sha256"), md5=hashes.get("md5"))
