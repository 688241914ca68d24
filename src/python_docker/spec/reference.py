"""Image references: `ubuntu`, `ghcr.io/org/name:tag@sha256:...`, resolved as Docker resolves them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from python_docker.argument_types import check_optional, check_type
from python_docker.errors import InvalidDigest, InvalidReference
from python_docker.spec.digest import Digest
from python_docker.spec.docker_hub import API_HOST, DOCKER_HUB, HOSTS

# Grammar: distribution/reference, reference.go; the tag rule is also the distribution specification's.
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_MIN_ENCODED = 32  # characters of a digest in a reference (distribution/reference, regexp.go)
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")
_MAX_NAME = 255
_EXAMPLE = "a reference looks like ubuntu, org/name:tag or ghcr.io/org/name:tag@sha256:..."


def check_tag(tag: str) -> str:
    """Return `tag`; raise `InvalidReference` if it is not valid (distribution-spec, "Pulling manifests")."""
    if not _TAG.fullmatch(tag):
        raise InvalidReference(f"not a tag: {tag[:140]!r} (letters, digits, '_', '.', '-', at most 128)")
    return tag


def _is_domain(component: str) -> bool:
    """Return whether the first component of a name is a registry's domain (distribution/reference, normalize.go)."""
    return "." in component or ":" in component or component == "localhost" or component != component.lower()


def check_path(path: str) -> str:
    """Return `path`; raise `InvalidReference` if it cannot be a repository's (distribution-spec, same place)."""
    if not _PATH.fullmatch(path) or len(path) > _MAX_NAME:
        hint = "names are lower case" if path != path.lower() else "it looks like name or org/name"
        raise InvalidReference(f"not a repository name: {path[:300]!r} ({hint})")
    return path


def split_reference(text: str) -> tuple[str, str | None, str | None]:
    """Return the name, the tag and the digest in a reference, as they are written; None for what is not in it.

    >>> split_reference("localhost:5000/app:v1"), split_reference("app@sha256:00")
    (('localhost:5000/app', 'v1', None), ('app', None, 'sha256:00'))
    """
    name, at, digest = text.partition("@")
    colon = name.find(":", name.rfind("/") + 1)
    tag = name[colon + 1 :] if colon >= 0 else None
    return name if tag is None else name[:colon], tag, digest if at else None


def _shown(text: str) -> str:
    """Return a malformed reference without what may be a user name and a password before its host."""
    _, at, after = text.rpartition("@")
    return (f"***@{after}" if at and not after.startswith(("sha256:", "sha512:")) else text)[:300]


@dataclass(frozen=True, slots=True)
class ImageReference:
    """Where an image is: a registry's domain, a path in it, and a tag, a digest or both.

    >>> ImageReference.parse("ubuntu")
    ImageReference(domain='docker.io', path='library/ubuntu', tag='latest', digest=None)
    >>> str(ImageReference.parse("localhost:5000/team/app:v1"))
    'localhost:5000/team/app:v1'
    >>> ImageReference.parse("docker.io/library/ubuntu:24.04").familiar
    'ubuntu:24.04'
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None
    is_short: bool = field(default=False, compare=False, repr=False)
    """Whether it was read from a name without a host, such as `ubuntu` or `org/name`."""

    def __post_init__(self) -> None:
        check_type("domain", self.domain, str)
        check_type("path", self.path, str)
        check_optional("tag", self.tag, str)
        check_optional("digest", self.digest, Digest)

    @classmethod
    def parse(
        cls, text: str, *, default_tag: str | None = "latest", default_domain: str = DOCKER_HUB
    ) -> ImageReference:
        """Read `[domain/]path[:tag][@digest]`, as Docker does (distribution/reference, normalize.go).

        The first component is a domain when it holds `.`, `:` or a capital letter, or is `localhost`. `default_tag` is
        used when there is neither tag nor digest. Raises `InvalidReference`.
        """
        check_type("text", text, str, _EXAMPLE)
        check_optional("default_tag", default_tag, str)
        check_type("default_domain", default_domain, str)
        name, tag, digest_text = split_reference(text)
        try:
            digest = None if digest_text is None else Digest(digest_text)
        except InvalidDigest as error:
            if digest_text is not None and "/" in digest_text:
                host = digest_text.partition("/")[0][:80]
                raise InvalidReference(
                    f"not an image reference: {_shown(text)!r}: a user name and a password do not belong in it; log in "
                    f"with `docker login {host}` or `podman login {host}`"
                ) from None
            raise InvalidReference(f"not an image reference: {_shown(text)!r}: {error}") from None
        if digest is not None and len(digest.encoded) < _MIN_ENCODED:
            raise InvalidReference(f"not an image reference: {_shown(text)!r}: its digest is too short")
        first, slash, rest = name.partition("/")
        is_short = not (slash and _is_domain(first))
        if not is_short:
            domain, path = first, rest
        else:
            domain, path = default_domain, name
        if domain.lower() in HOSTS:
            domain = DOCKER_HUB
            if "/" not in path:
                path = f"library/{path}"
        matched = _DOMAIN.fullmatch(domain)
        if domain in ("http:", "https:"):
            raise InvalidReference(
                f"not an image reference: {_shown(text)!r}: a name has no {domain}// in front of the host ({_EXAMPLE})"
            )
        if matched is None or int(matched["port"] or 0) > 65535:
            raise InvalidReference(
                f"not an image reference: {_shown(text)!r}: {domain[:80]!r} is not a host name ({_EXAMPLE})"
            )
        if not _PATH.fullmatch(path):
            hint = "names are lower case" if path != path.lower() else _EXAMPLE
            raise InvalidReference(f"not an image reference: {_shown(text)!r} ({hint})")
        if _IMAGE_ID.fullmatch(text):
            raise InvalidReference(f"{text[:80]!r} is an image ID, not a name")
        if len(domain) + 1 + len(path) > _MAX_NAME:
            raise InvalidReference(f"the name {text[:40]!r}... is longer than {_MAX_NAME} characters")
        if tag is not None:
            check_tag(tag)
        elif digest is None:
            tag = default_tag
        return cls(domain=domain, path=path, tag=tag, digest=digest, is_short=is_short)

    @property
    def name(self) -> str:
        """Domain and path: `docker.io/library/ubuntu`."""
        return f"{self.domain}/{self.path}"

    @property
    def api_host(self) -> str:
        """The host, and port if named, that serves the registry's API; Docker Hub's is not its domain."""
        return API_HOST if self.domain == DOCKER_HUB else self.domain

    @property
    def identifier(self) -> str:
        """What to ask the registry for: the digest when there is one, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    @property
    def familiar_name(self) -> str:
        """The name as people write it: without `docker.io/` and `library/`, without tag and digest.

        Wherever it would then be read as another name, it stays whole.
        """
        if self.domain != DOCKER_HUB:
            return self.name
        first, _, rest = self.path.partition("/")
        if first == "library" and "/" not in rest and not _IMAGE_ID.fullmatch(rest):
            return rest
        return self.name if _is_domain(first) else self.path

    @property
    def familiar(self) -> str:
        """The whole reference as people write it."""
        return self.familiar_name + self._suffix()

    def with_tag(self, tag: str | None) -> ImageReference:
        """Return the same repository with another tag and no digest."""
        return replace(self, tag=None if tag is None else check_tag(tag), digest=None)

    def with_digest(self, digest: Digest) -> ImageReference:
        """Return the same repository, by digest alone."""
        return replace(self, tag=None, digest=digest)

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._suffix()
