"""Image: the object of the public API. Mutable; the layers in it are not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from python_docker.argument_types import check_callable, check_optional, check_path, check_type
from python_docker.errors import InvalidReference
from python_docker.image.blob import Blob
from python_docker.image.documents import (
    SourceDocuments,
    config_value,
    platform_of,
    read_config,
    with_platform,
    write_config,
    write_manifest,
)
from python_docker.image.earlier import EarlierImage
from python_docker.image.files import ImageFiles
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.history import split_history
from python_docker.spec.documents.image_config import History, ImageConfig
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.documents.runtime_config import RuntimeConfig
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.platform import Platform
from python_docker.spec.reference import ImageReference
from python_docker.spec.timestamps import rfc3339, source_date_epoch

if TYPE_CHECKING:
    from python_docker.image.filesystem import FileSystem
    from python_docker.image.host_files import Filter, Place

# The type of a mapping's keys is exact: a dict of `Path` is not one of `str | os.PathLike[str]`.
_Path = TypeVar("_Path", bound=str | os.PathLike[str])


class Image(ImageFiles, EarlierImage):
    """An image: a name, layers and a config.

    `layers` is a list that may be changed, **top layer first**. The runtime config of the image is that of its top
    layer, `image.layers[0].config`, which `image.config` also gives. Reading an image and writing it unchanged keeps
    its digests, and changing it keeps every field of its documents that is not known here.

    >>> image = Image("hello", "v1")
    >>> layer = image.add_layer_contents({"/greeting": b"hello"})
    >>> image.layers[0].config["Env"].append("FOO=BAR")
    >>> image.config_file.config
    {'Env': ['FOO=BAR']}
    """

    def __init__(
        self,
        name: str = "",
        tag: str | None = None,
        layers: Sequence[Layer] | None = None,
        *,
        platform: Platform | None = None,
    ) -> None:
        check_optional("platform", platform, Platform, "Platform.parse('linux/arm64') makes one")
        self.name = name
        self.tag = tag
        check_optional("layers", layers, (list, tuple))
        for layer in layers or ():
            check_type("each of layers", layer, Layer)
        self.layers: list[Layer] = list(layers or [])
        self.format = ImageFormat.OCI
        self.annotations: dict[str, str] = {}
        self._bare_config = RuntimeConfig()
        self._fields: dict[str, Any] = with_platform({}, platform or Platform())
        self._stated: Platform | None = None
        self._leading_history: tuple[History, ...] = ()
        self._source: SourceDocuments | None = None

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def config(self) -> RuntimeConfig:
        """What containers run with (Env, Cmd, ...): the top layer's config, or the image's own when it has no layer."""
        return self.layers[0].config if self.layers else self._bare_config

    @property
    def platform(self) -> Platform:
        """The platform that the image is for: as an index states it, else as its config does."""
        return self._stated or self.config_platform

    @platform.setter
    def platform(self, platform: Platform) -> None:
        self._stated = None
        self._fields = with_platform(self._fields, platform)

    @property
    def config_platform(self) -> Platform:
        """The platform that the image's config names."""
        return platform_of(self._fields)

    @property
    def created(self) -> str | None:
        """When the image was made, in the form of RFC 3339."""
        created = self._fields.get("created")
        return created if isinstance(created, str) else None

    @created.setter
    def created(self, created: str) -> None:
        self._fields["created"] = created

    @property
    def reference(self) -> ImageReference:
        """Name and tag as a reference. Raises `InvalidReference` when the image has no name."""
        if not self.name:
            raise InvalidReference("the image has no name: set image.name and image.tag")
        return ImageReference.parse(f"{self.name}:{self.tag}" if self.tag else self.name)

    @property
    def config_file(self) -> ImageConfig:
        """The config file (image-spec, config.md) as it would be written now."""
        return write_config(self._config_value(), self._source, self._stated)

    def _config_value(self) -> dict[str, Any]:
        return config_value(self._fields, self.config, self.layers[::-1], self._leading_history)

    @property
    def manifest(self) -> Manifest:
        """The manifest as it would be written now. Raises `UnsupportedFormat` for zstd layers in Docker's format."""
        return write_manifest(self.config_file, self.layers[::-1], self.annotations, self.format, self._source)

    @property
    def digest(self) -> Digest:
        """The digest of the manifest."""
        return self.manifest.digest

    @property
    def id(self) -> Digest:
        """The image ID: the digest of the config file."""
        return self.config_file.digest

    @property
    def config_blob(self) -> Blob:
        """The config file as a blob, with the media type of the image's format."""
        config = self.config_file
        blob = Blob.from_bytes(config.raw, self.format.config_type)
        # Unchanged, it need not be uploaded to the registry that it came from.
        source = self._source
        return replace(blob, origin=source.origin) if source is not None and config is source.config else blob

    # -- changing it -----------------------------------------------------------------------------------------------

    def add_layer(self, layer: Layer, *, created_by: str | None = None) -> Layer:
        """Put a layer on top. It inherits the runtime config of the image and gets an entry in its history.

        Gives the layer as it is in the image.
        """
        check_type("layer", layer, Layer, "add_layer_contents and add_layer_path make one of files")
        created = rfc3339(source_date_epoch() or 0)
        history = layer.history or (History(created=created, created_by=created_by or "conda-docker"),)
        placed = Layer(layer.blob, layer.diff_id, config=self.config.copy(), history=history)
        self.layers.insert(0, placed)
        return placed

    def remove_layer(self) -> Layer:
        """Take the top layer off, and give it back. Raises `IndexError` when there is none."""
        if not self.layers:
            raise IndexError("the image has no layer to remove")
        layer = self.layers.pop(0)
        if not self.layers:
            self._bare_config = layer.config
        return layer

    def add_layer_path(
        self,
        path: str | os.PathLike[str],
        arcpath: str | None = None,
        recursive: bool = True,
        filter: Filter | None = None,
        base_id: str | None = None,
    ) -> Layer:
        """Add a file or folder of this machine as a layer, at `arcpath`.

        Without `arcpath`, at its own path below the image's root, as `tarfile` does it: `./` is the root itself.

        `filter` is as `tarfile`'s: it gets a `TarInfo` for each file and gives one back, or None to leave it out.
        Owner and group are 0 unless it says otherwise. Sockets and devices are passed over. `base_id` makes no
        difference here and below: it was a layer's name in earlier releases, and layers are named by their content.
        """
        check_path("path", path)
        check_optional("arcpath", arcpath, str)
        if arcpath is None:
            arcpath = os.path.splitdrive(os.fspath(path))[1].replace(os.sep, "/")
        return self.add_layer_paths([(path, arcpath)], recursive=recursive, filter=filter)

    def add_layer_paths(
        self,
        paths: Mapping[_Path, str] | Iterable[tuple[str | os.PathLike[str], str]],
        filter: Filter | None = None,
        recursive: bool = False,
        base_id: str | None = None,
    ) -> Layer:
        """Add files and folders of this machine as one layer: `{path here: path in the image}`, or pairs of them.

        Each alone, as in earlier releases; `recursive` adds what is in the folders too.
        """
        from python_docker.image.host_files import layer_of_paths, pairs_of

        check_callable("filter", filter)
        pairs = list(pairs_of(paths))
        layer = layer_of_paths(pairs, self._placing(), recursive=recursive, filter=filter)
        return self.add_layer(layer, created_by="add_layer_paths")

    def add_layer_contents(
        self, contents: Mapping[str, bytes], filter: Filter | None = None, base_id: str | None = None
    ) -> Layer:
        """Add files that are in memory as one layer: `{path in the image: content}`."""
        from python_docker.image.host_files import layer_of_contents

        check_type("contents", contents, Mapping, "such as {'/greeting': b'hello'}")
        check_callable("filter", filter)
        for path, content in contents.items():
            check_type("a path of contents", path, str)
            check_type(f"contents[{path!r}]", content, bytes, "text needs .encode()")
        return self.add_layer(
            layer_of_contents(contents, self._placing(), filter=filter), created_by="add_layer_contents"
        )

    def _placing(self) -> Place:
        from python_docker.image.host_files import placing

        return placing(cache(self.filesystem) if self.layers else None)

    def copy(self) -> Image:
        """Return an image that can be changed without changing this one; the blobs are the same."""
        image = self.with_layers([layer.with_config(layer.config.copy()) for layer in self.layers], self.format)
        image._bare_config = self._bare_config.copy()
        return image

    def with_layers(self, layers: Sequence[Layer], image_format: ImageFormat) -> Image:
        """Return an image that differs from this one in its layers, top first, and its format."""
        image = Image(self.name, self.tag, layers)
        image.format = image_format
        image.annotations = dict(self.annotations)
        image._bare_config = self._bare_config
        image._fields = dict(self._fields)
        image._stated = self._stated
        image._leading_history = self._leading_history
        image._source = self._source
        return image

    # -- what is in it ---------------------------------------------------------------------------------------------

    def filesystem(self) -> FileSystem:
        """Return the merged file system. Reads all layers."""
        from python_docker.image.filesystem import FileSystem

        return FileSystem(list(reversed(self.layers)))

    def list_files(self) -> list[str]:
        """Return the paths of the merged file system, sorted."""
        return list(self.filesystem())

    # -- reading and writing ---------------------------------------------------------------------------------------

    @classmethod
    def from_manifest(
        cls,
        manifest: Manifest,
        get_blob: Callable[[Descriptor], Blob],
        *,
        name: str = "",
        tag: str | None = None,
        stated: Platform | None = None,
    ) -> Image:
        """Return the image that a manifest describes, its blobs found by `get_blob`. Reads its config, nothing else.

        `stated` is the platform that an index gives for it, which goes before the config's.

        Raises `InvalidDocument` when config and manifest disagree, `UnsupportedFormat` when they are not an image's.
        """
        config, origin = read_config(manifest, get_blob)
        diff_ids = config.rootfs.diff_ids
        image = cls(name, tag)
        image.format = manifest.format
        image.annotations = dict(manifest.annotations or {})
        image._fields = config.value()
        if stated is not None and not stated.matches(config.platform):
            image._stated = stated
        image._bare_config = RuntimeConfig.from_document(config.config)
        image._leading_history, per_layer = split_history(config.history, len(diff_ids))
        for descriptor, diff_id, history in zip(manifest.layers, diff_ids, per_layer, strict=True):
            layer = Layer(get_blob(descriptor), diff_id, config=image._bare_config.copy(), history=history)
            image.layers.insert(0, layer)
        image._source = SourceDocuments(manifest, config, origin, image._config_value())
        return image

    def __repr__(self) -> str:
        name = f"{self.name}:{self.tag}" if self.tag else self.name
        return f"<Image {name or 'without a name'}, {self.platform}, {len(self.layers)} layers>"
