"""Registry: one registry as users of the library see it; `pull_image`, the short way to an image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from python_docker.argument_types import check_method, check_number, check_optional, check_type
from python_docker.errors import InvalidReference, RegistryError, UnsupportedFormat
from python_docker.image import Image
from python_docker.progress import SILENT, Progress
from python_docker.registry.access.address import DOCKER_HUB_URL, RegistryAddress, domain_of, userinfo
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.destination import RegistryDestination
from python_docker.registry.download import download_layers
from python_docker.registry.earlier import EarlierCalls
from python_docker.registry.lists import next_names
from python_docker.registry.source import RegistrySource
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.platform import Platform
from python_docker.spec.reference import ImageReference, check_path, check_tag, split_reference


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image is: its name without tag and digest, the registry, the path there, the tag and the digest."""

    name: str
    client: RegistryClient
    path: str
    tag: str | None
    digest: Digest | None

    @property
    def identifier(self) -> str:
        """What to ask the registry for."""
        return self.digest or self.tag or "latest"


class Registry(EarlierCalls):
    """A registry: pull images from it, push images to it, list and delete what it has.

    `hostname` is its URL; `http://` before it asks for plain HTTP, which otherwise is used for this machine only.
    Credentials are `username` and `password`, else those of the environment (see `RegistryOptions.from_environment`)
    if they are for this registry, else those that Docker and Podman keep. Nothing is sent before the first call.

    Repositories are named by their path there (`library/ubuntu`, `team/app`), with the registry's own host before it
    or without. On Docker Hub a name may be that of any registry, as Docker reads it: `ubuntu` is `library/ubuntu`, and
    `ghcr.io/org/name` is at ghcr.io, where these credentials do not go.

    Methods raise `RegistryError` and its kinds `AccessDenied`, `NotFoundInRegistry`, `TooManyRequests` and
    `ConnectionFailed`; `InvalidReference` for a malformed name; `CredentialsError`.

    >>> Registry("http://localhost:5000")
    <Registry http://localhost:5000>
    """

    def __init__(
        self,
        hostname: str = DOCKER_HUB_URL,
        username: str | None = None,
        password: str | None = None,
        *,
        options: RegistryOptions | None = None,
    ) -> None:
        check_type("hostname", hostname, str)
        check_optional("options", options, RegistryOptions)
        address = RegistryAddress.parse(hostname)
        options = options or RegistryOptions.from_environment()
        given = (username, password) if username or password else userinfo(hostname)
        if given is not None:
            options = options.with_fields(
                username=given[0], password=given[1], token=None, credentials_for=address.domain
            )
        elif options.credentials_for is None:
            options = options.with_fields(credentials_for=address.domain)
        self.hostname = re.sub(r"(?<=//)[^/]*@|^[^/]*@", "", hostname)
        self.username = options.username if options.credentials_for == address.domain else None
        self._options = options
        self._client = RegistryClient(address, options)
        self._others: dict[str, RegistryClient] = {}

    def __repr__(self) -> str:
        return f"<Registry {self.hostname}>"

    # -- images ----------------------------------------------------------------------------------------------------

    def pull_image(
        self,
        image: str,
        tag: str = "latest",
        lazy: bool = False,
        *,
        platform: Platform | str | None = None,
        progress: Progress | None = None,
    ) -> Image:
        """Return the image of a name and tag, or of a whole reference such as `org/name:tag@sha256:...`.

        Of a multi-platform image, the one for `platform` (Linux on this machine's processor when it is None). With
        `lazy` only its manifest and config are downloaded now; the layers come whenever they are used, and not at
        all when the image is pushed to where they are. Without, they are downloaded into temporary files, which are
        there for as long as the image is.
        """
        from python_docker.copying.choose import image_of

        platform = Platform.parse(platform) if isinstance(platform, str) else platform
        check_optional("platform", platform, Platform)
        if progress is not None:
            check_method("progress", progress, "start")
        place = self._locate(image, tag)
        reference = ImageReference(place.client.domain, place.path, place.tag, place.digest)
        pulled = image_of(RegistrySource(place.client, (place.path,), reference), platform)
        pulled.name, pulled.tag = place.name, place.tag
        if not lazy:
            download_layers(pulled, self._options.parallel, progress or SILENT)
        return pulled

    def push_image(self, image: Image, *, progress: Progress | None = None) -> Manifest:
        """Write an image to the registry under its own name and tag (`latest` if it has none), and give its manifest.

        What the repository has is not sent; what another repository of the same registry has is mounted from there.
        """
        from python_docker.copying.copy import put_image

        check_type("image", image, Image, "open_image opens one by its name")
        if progress is not None:
            check_method("progress", progress, "start")
        if not image.name:
            raise InvalidReference("the image has no name: set image.name and image.tag")
        place = self._locate(image.name, image.tag or "latest")
        destination = RegistryDestination(place.client, place.path, place.tag)
        try:
            manifest = put_image(image, destination, progress=progress)
            destination.commit()
        except BaseException:
            destination.abort()
            raise
        return manifest

    def delete_image(self, image: str, tag: str = "latest") -> None:
        """Delete the manifest that a tag names, and with it every tag that names it. Layers stay until swept up."""
        place = self._locate(image, tag)
        digest = place.digest or place.client.manifest_digest(place.path, place.identifier)
        place.client.delete_manifest(place.path, digest)

    # -- documents and blobs ---------------------------------------------------------------------------------------

    def get_manifest(self, image: str, tag: str = "latest", version: str = "v2") -> Manifest | Index:
        """Return the manifest that a tag or digest names, or the index of a multi-platform image.

        `version` is for callers of earlier releases; Docker's schema 1 (`v1`) is not read any more.
        """
        if version != "v2":
            raise UnsupportedFormat(f"manifest version {str(version)[:20]!r} is not supported; use v2")
        place = self._locate(image, tag)
        return place.client.manifest(place.path, place.identifier)

    def get_manifest_digest(self, image: str, tag: str = "latest") -> Digest:
        """Return the digest of the manifest that a tag names, without downloading it where possible."""
        place = self._locate(image, tag)
        return place.client.manifest_digest(place.path, place.identifier)

    def get_manifest_configuration(self, image: str, tag: str = "latest") -> ImageConfig:
        """Return the config file of an image."""
        return self.pull_image(image, tag, lazy=True).config_file

    def get_blob(self, image: str, blobsum: str) -> bytes:
        """Return a blob of a repository, whole and verified, in memory. `blobsum` is its digest, `sha256:...`."""
        check_type("blobsum", blobsum, str)
        client, path = self._repository(image)
        digest = Digest(blobsum)
        size = client.blob_size(path, digest)
        if size is None:
            raise RegistryError(f"{client.address.host} does not say how large blob {digest} is")
        descriptor = Descriptor.new("application/octet-stream", digest, size)
        with client.blob(path, descriptor).open() as stream:
            return stream.read()

    def check_blob(self, image: str, blobsum: str) -> bool:
        """Return whether a repository has a blob."""
        check_type("blobsum", blobsum, str)
        client, path = self._repository(image)
        return client.has_blob(path, Digest(blobsum))

    # -- lists -----------------------------------------------------------------------------------------------------

    def list_images(self, n: int | None = None, last: str | None = None) -> list[str]:
        """Return the registry's repositories: all of them, or the next `n` after `last` in the order of their names."""
        _check_page(n, last)
        return next_names(self._client.repositories(page_size=n, last=last), n, last)

    def list_image_tags(self, image: str, n: int | None = None, last: str | None = None) -> list[str]:
        """Return the tags of a repository: all of them, or the next `n` after `last` in their order. May be empty."""
        _check_page(n, last)
        client, path = self._repository(image)
        return next_names(client.tags(path, page_size=n, last=last), n, last)

    # -- names -----------------------------------------------------------------------------------------------------

    def authenticate(self, image: str | None = None, action: str | None = None) -> None:
        """Check that the registry can be reached and takes the credentials; everything else does so by itself.

        With `image`, that they may do `action` (`pull`, or `pull,push`) there. Raises `AccessDenied`.
        """
        if image is None:
            self._client.check_access()
        else:
            client, path = self._repository(image)
            client.check_access(path, tuple((action or "pull").split(",")))

    basic_authenticate = token_authenticate = authenticate

    def _repository(self, image: str) -> tuple[RegistryClient, str]:
        place = self._locate(image, "latest")
        return place.client, place.path

    def _locate(self, image: str, tag: str) -> _Place:
        """Return what a name, with its own tag or digest or without, means."""
        check_type("image", image, str, "such as 'org/name'")
        check_type("tag", tag, str)
        name, named_tag, digest_text = split_reference(image)
        digest = None if digest_text is None else Digest(digest_text)
        if named_tag is not None and tag not in {"latest", named_tag}:
            raise InvalidReference(f"{image[:200]!r} names the tag {named_tag!r}, but {tag[:140]!r} was asked for")
        if named_tag is None and digest is None:
            if re.match(r"[a-z0-9]+:", tag):
                digest = Digest(tag)
            else:
                named_tag = tag
        if named_tag is not None:
            check_tag(named_tag)
        client, path = self._client_for(name)
        return _Place(name, client, check_path(path), named_tag, digest)

    def _client_for(self, name: str) -> tuple[RegistryClient, str]:
        """Return the registry that a name without tag and digest is at, and the path there."""
        domain = self._client.domain
        first, slash, rest = name.partition("/")
        hub = self._client.address.is_docker_hub
        if slash and domain_of(first) == domain:
            first, name, slash = "", rest, ""
        # A path may have dots, so that only Docker Hub, whose users' names have none, knows a host by them. No path has
        # a port.
        if slash and (":" in first or (hub and ("." in first or first == "localhost"))):
            reference = ImageReference.parse(name)
            client = self._others.get(reference.domain)
            if client is None:
                client = RegistryClient(self._options.address_of(reference.domain), self._options)
                self._others[reference.domain] = client
            return client, reference.path
        if hub and "/" not in name:
            name = f"library/{name}"
        return self._client, name


def pull_image(image: str, tag: str = "latest", lazy: bool = False) -> Image:
    """Pull an image by its name and tag, or a whole reference, with the credentials at hand (see `Registry`).

    Names without a host are Docker Hub's, or those of the registry that `CONDA_DOCKER_REGISTRY_URL` names.
    """
    options = RegistryOptions.from_environment()
    if options.docker_hub is None or not ImageReference.parse(image).is_short:
        return Registry(options=options).pull_image(image, tag, lazy)
    return Registry(options.docker_hub, options=options).pull_image(image, tag, lazy)


def _check_page(n: object, last: object) -> None:
    """Raise `TypeError` or `ValueError` for what is no page of a list: how many names, and after which."""
    if n is not None:
        check_number("n", n, least=1)
    check_optional("last", last, str)
