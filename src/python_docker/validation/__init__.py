"""Validation: whether an image is what its documents say, and whether everybody can use it.

Sources: image-spec; distribution-spec; Docker's image manifest version 2, schema 2; what Docker Engine 20.10 refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from python_docker.errors import Error, NotFound
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Progress
from python_docker.spec.documents import Descriptor, ImageConfig, Index, Manifest
from python_docker.spec.media_types import INDEXES, MANIFESTS, layer_compression
from python_docker.validation import documents
from python_docker.validation.layer_content import LayerContent, read_blob, read_layer
from python_docker.validation.report import Finding, Problem, Report, Severity, error, warning

if TYPE_CHECKING:
    from python_docker.blob import Blob
    from python_docker.image import Image
    from python_docker.spec.digest import Digest
    from python_docker.transports.medium import Source

__all__ = ["Problem", "Report", "Severity", "validate", "validate_source"]

_MAX_DEPTH = 4  # indexes in indexes; real ones have one level
_READERS = 4


def validate(image: Image, *, layers: bool = True, progress: Progress = SILENT) -> Report:
    """Check an image: every digest, size, diff ID and media type, its history, config, and what its layers hold.

    Never raises for what is wrong with the image, but says so in the report. `layers` False reads no layer: nothing
    but the documents is checked then.

    >>> from python_docker import Image
    >>> image = Image("hello", "v1")
    >>> layer = image.add_layer_contents({"/greeting": b"hello"})
    >>> validate(image).ok
    True
    """
    validation = _Validation(layers, progress)
    try:
        manifest, config = image.manifest, image.config_blob
    except Error as failure:
        validation.note("the image", [error(str(failure))])
        return validation.report()
    blobs = {layer.digest: layer.blob for layer in image.layers} | {config.descriptor.digest: config}

    def get_blob(descriptor: Descriptor) -> Blob:
        return blobs[descriptor.digest].describe(descriptor)

    validation.check_manifest(manifest, get_blob)
    return validation.report()


def validate_source(source: Source, *, layers: bool = True, progress: Progress = SILENT) -> Report:
    """Check what a source holds, as `validate` does: an image, or an index with all images that it names."""
    validation = _Validation(layers, progress)
    try:
        root = source.root()
        reference = source.reference
    except Error as failure:
        validation.note("the image", [error(str(failure))])
        return validation.report()
    if reference is not None and reference.digest is not None and reference.digest != root.digest:
        validation.note(
            "the image", [error(f"its digest is {root.digest}, but it was asked for as {reference.digest}")]
        )
    if isinstance(root, Index):
        validation.check_index(root, source)
    else:
        if not documents.is_image(root):
            validation.note(_name("manifest", root.digest), [error("it is no container image's")])
        validation.check_manifest(root, source.blob)
    return validation.report()


class _Validation:
    """One run: the problems so far, and the blobs that were read, each once."""

    def __init__(self, layers: bool, progress: Progress) -> None:
        self._read_layers = layers
        self._progress = progress
        self._problems: dict[Problem, None] = {}
        self._contents: dict[tuple[Digest, str, Digest | None], LayerContent] = {}
        self._images = 0
        self._sizes: dict[Digest, int] = {}

    def report(self) -> Report:
        """What was found."""
        return Report(tuple(self._problems), self._images, len(self._sizes), sum(self._sizes.values()))

    def note(self, subject: str, findings: Iterable[Finding]) -> None:
        """Keep findings as problems of `subject`."""
        for finding in findings:
            self._problems[Problem(finding.severity, subject, finding.message)] = None

    def check_index(self, index: Index, source: Source, *, depth: int = 1) -> None:
        """Check an index and all that it names."""
        self.note(_name("index", index.digest), documents.check_index(index))
        for descriptor in index.manifests:
            platform = documents.platform_of(descriptor)
            prefix = f"{platform}: " if platform else ""
            subject = prefix + _name("manifest", descriptor.digest)
            if descriptor.media_type not in MANIFESTS | INDEXES:
                continue
            if depth >= _MAX_DEPTH:
                self.note(subject, [error(f"indexes lie in indexes more than {_MAX_DEPTH} deep")])
                continue
            try:
                child = source.child(descriptor)
            except Error as failure:
                self.note(subject, [error(str(failure))])
                continue
            if child.digest != descriptor.digest or child.size != descriptor.size:
                said = f"{descriptor.digest} of {descriptor.size} bytes"
                self.note(subject, [error(f"it is {child.digest} of {child.size} bytes; the index says {said}")])
            if isinstance(child, Index):
                self.check_index(child, source, depth=depth + 1)
            else:
                self.check_manifest(child, source.blob, prefix=prefix, described=descriptor)

    def check_manifest(
        self,
        manifest: Manifest,
        get_blob: Callable[[Descriptor], Blob],
        *,
        prefix: str = "",
        described: Descriptor | None = None,
    ) -> None:
        """Check a manifest and all that it names; `described` is what an index says of it."""
        is_image = documents.is_image(manifest)
        self._images += is_image
        self.note(prefix + _name("manifest", manifest.digest), documents.check_manifest(manifest))
        subject = prefix + _name("config", manifest.config.digest)
        diff_ids: tuple[Digest, ...] = ()
        try:
            raw = get_blob(manifest.config).read()
            if is_image:
                config = ImageConfig.parse(raw)
                diff_ids = config.rootfs.diff_ids
                self.note(subject, documents.check_config(config, manifest))
                if described is not None:
                    self.note(subject, documents.check_platform(config, described))
        except (Error, OSError) as failure:
            self.note(subject, [error(str(failure))])
        if self._read_layers:
            self._check_layers(manifest, diff_ids, get_blob, prefix)

    def _check_layers(
        self, manifest: Manifest, diff_ids: tuple[Digest, ...], get_blob: Callable[[Descriptor], Blob], prefix: str
    ) -> None:
        known = len(diff_ids) == len(manifest.layers)
        pairs = [(layer, diff_ids[number] if known else None) for number, layer in enumerate(manifest.layers)]
        calls = {
            (layer.digest, layer.media_type, diff_id): partial(self._read, layer, diff_id, get_blob)
            for layer, diff_id in pairs
            if (layer.digest, layer.media_type, diff_id) not in self._contents
        }
        self._contents |= zip(calls, in_parallel(list(calls.values()), _READERS), strict=True)
        below: list[LayerContent] = []
        for number, (layer, diff_id) in enumerate(pairs, 1):
            subject = f"{prefix}layer {number} of {len(pairs)} ({layer.digest.algorithm}:{layer.digest.short})"
            content = self._contents[layer.digest, layer.media_type, diff_id]
            self._sizes[layer.digest] = layer.size
            self.note(subject, content.findings)
            self.note(subject, _check_links(content, below))
            below.append(content)

    def _read(self, layer: Descriptor, diff_id: Digest | None, get_blob: Callable[[Descriptor], Blob]) -> LayerContent:
        task = self._progress.start(layer.digest.short, layer.size)
        try:
            blob = get_blob(layer)
        except NotFound as missing:
            content = LayerContent((error(str(missing)),))
        except (Error, OSError) as failure:
            content = LayerContent((error(f"it cannot be read: {failure}"),))
        else:
            if layer_compression(layer.media_type) is None:
                content = read_blob(blob, task.advance)
            else:
                content = read_layer(blob, diff_id, task.advance)
        task.finish()
        return content


def _name(what: str, digest: Digest) -> str:
    return f"{what} {digest.algorithm}:{digest.short}"


def _check_links(content: LayerContent, below: list[LayerContent]) -> Iterable[Finding]:
    """Hard links that lead out of their layer."""
    for path, target in content.links:
        if any(target in layer.paths for layer in below):
            yield warning(f"the hard link {path[:200]!r} leads to {target[:200]!r} of a lower layer, which may fail")
        else:
            yield error(f"the hard link {path[:200]!r} leads to {target[:200]!r}, which is not there")
