"""One run of a validation: the problems found so far, and what was read, each blob once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from python_docker.copying.attached import attached_manifest, find_tagged
from python_docker.copying.choose import MAX_DEPTH
from python_docker.copying.names import name_blobs
from python_docker.errors import AccessDenied, ConnectionFailed, Error, NotFound, NotFoundInRegistry, TooManyRequests
from python_docker.parallel import in_parallel
from python_docker.spec.digest_tags import PAYLOAD, signed_digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Index, Manifest, referrer_descriptor
from python_docker.spec.media_types import FOREIGN_LAYERS, INDEXES, MANIFESTS, layer_compression
from python_docker.streams.buffers import keep_buffers
from python_docker.transports.medium import ListsReferrers
from python_docker.transports.oci.source import OciSource
from python_docker.validation.config import check_config, check_platform, is_bare
from python_docker.validation.documents import check_index, check_layout_index, check_manifest, platform_of
from python_docker.validation.layer_content import LayerContent, missing_foreign, read_blob, read_layer
from python_docker.validation.report import Finding, Problem, Report, error, warning

if TYPE_CHECKING:
    from python_docker.image.blob import Blob
    from python_docker.progress import Progress
    from python_docker.spec.digest import Digest
    from python_docker.transports.medium import Source

_READERS = 4
_MAX_PAYLOAD = 64 << 10
"""How many bytes a signed payload may have."""
_Key = tuple["Digest", str, "Digest | None", bool]


class Validation:
    """Checks any number of sources and manifests; `report` says what was found."""

    def __init__(self, layers: bool, progress: Progress) -> None:
        self._read_layers = layers
        self._progress = progress
        self._problems: dict[Problem, None] = {}
        self._contents: dict[_Key, LayerContent] = {}
        self._seen: set[tuple[Digest, str]] = set()
        self._images = 0
        self._artifacts = 0
        self._sizes: dict[Digest, int] = {}

    def report(self) -> Report:
        """Return what was found."""
        return Report(tuple(self._problems), self._images, len(self._sizes), sum(self._sizes.values()), self._artifacts)

    def note(self, subject: str, findings: Iterable[Finding]) -> None:
        """Keep findings as problems of `subject`."""
        for finding in findings:
            self._problems[Problem(finding.severity, subject, finding.message)] = None

    def check_source(self, source: Source, prefix: str = "") -> None:
        """Check what a source holds; `prefix` is put before every subject."""
        if isinstance(source, OciSource):
            self.note("index.json", check_layout_index(source.index))
        try:
            root = source.root()
            reference = source.reference
        except (NotFoundInRegistry, AccessDenied, ConnectionFailed, TooManyRequests):
            raise  # nothing is known of the image
        except Error as failure:
            self.note(f"{prefix}the image", [error(str(failure))])
            return
        if reference is not None and reference.digest is not None and reference.digest != root.digest:
            wrong = error(f"its digest is {root.digest}, but it was asked for as {reference.digest}")
            self.note(f"{prefix}the image", [wrong])
        if isinstance(root, Index):
            self.check_index(root, source, prefix=prefix)
        else:
            self.check_manifest(root, source.blob, prefix=prefix)
            self._check_attached(root.digest, source, prefix)

    def check_index(self, index: Index, source: Source, *, prefix: str = "", depth: int = 1) -> None:
        """Check an index and all that it names."""
        self.note(prefix + _name("index", index.digest), check_index(index))
        self._check_attached(index.digest, source, prefix)
        for descriptor in index.manifests:
            platform = platform_of(descriptor)
            inner = prefix + (f"{platform}: " if platform else "")
            if descriptor.media_type in MANIFESTS | INDEXES:
                self._check_child(descriptor, source, inner, depth)
            elif self._read_layers:
                subject = inner + _name("blob", descriptor.digest)
                self.note(subject, self._read(descriptor, None, source.blob, is_layer=False).findings)

    def _check_child(self, descriptor: Descriptor, source: Source, prefix: str, depth: int) -> None:
        key = (descriptor.digest, prefix if descriptor.media_type in MANIFESTS else "")
        if key in self._seen:
            return
        self._seen.add(key)
        subject = prefix + _name("manifest", descriptor.digest)
        if depth >= MAX_DEPTH:
            self.note(subject, [error(f"indexes are nested more than {MAX_DEPTH} deep")])
            return
        try:
            child = source.child(descriptor)
        except Error as failure:
            self.note(subject, [error(str(failure))])
            return
        if child.digest != descriptor.digest or child.size != descriptor.size:
            said = f"{descriptor.digest} of {descriptor.size} bytes"
            self.note(subject, [error(f"it is {child.digest} of {child.size} bytes; the index says {said}")])
        if isinstance(child, Manifest):
            self.check_manifest(child, source.blob, prefix=prefix, described=descriptor)
            self._check_attached(child.digest, source, prefix)
        else:
            self.check_index(child, source, prefix=prefix, depth=depth + 1)

    def _check_attached(self, subject: Digest, source: Source, prefix: str) -> None:
        """Check what is attached to a manifest: that it says so itself, and is what it is listed as."""
        if not isinstance(source, ListsReferrers):
            return
        try:
            listed = source.referrers(subject)
        except Error as failure:
            self.note(prefix + _name("manifest", subject), [warning(f"what is attached cannot be listed: {failure}")])
            return
        for entry in listed:
            key = (entry.digest, "")
            if key in self._seen:
                continue
            self._seen.add(key)
            name = prefix + _name("attached", entry.digest)
            try:
                manifest = attached_manifest(source, entry, subject)
            except Error as failure:
                self.note(name, [error(str(failure))])
                continue
            said = referrer_descriptor(manifest)
            if (entry.digest, entry.size, entry.artifact_type) != (said.digest, said.size, said.artifact_type):
                self.note(name, [error(f"it is listed as {entry.artifact_type}, and is {said.artifact_type}")])
            self.check_manifest(manifest, source.blob, prefix=prefix)
            self._check_attached(manifest.digest, source, prefix)
        self._check_tagged(subject, source, prefix)

    def _check_tagged(self, subject: Digest, source: Source, prefix: str) -> None:
        """Check what cosign's digest tags name for a manifest: that signatures there are about it."""
        try:
            found = find_tagged(source, [subject])
        except Error as failure:
            message = f"what cosign's tags name cannot be read: {failure}"
            self.note(prefix + _name("manifest", subject), [warning(message)])
            return
        for _, tag, manifest in found:
            self.check_manifest(manifest, source.blob, prefix=prefix)
            for layer in manifest.layers:
                if layer.media_type == PAYLOAD:
                    self.note(prefix + _name("signature", layer.digest), _check_payload(layer, subject, tag, source))

    def check_manifest(
        self,
        manifest: Manifest,
        get_blob: Callable[[Descriptor], Blob],
        *,
        prefix: str = "",
        described: Descriptor | None = None,
    ) -> None:
        """Check a manifest and all that it names; `described` is what an index says of it."""
        self.note(prefix + _name("manifest", manifest.digest), check_manifest(manifest))
        subject = prefix + _name("config", manifest.config.digest)
        is_image = manifest.is_image
        diff_ids: tuple[Digest, ...] = ()
        try:
            if not is_image:
                self.note(subject, read_blob(get_blob(manifest.config), lambda size: None).findings)
            else:
                config = ImageConfig.parse(get_blob(manifest.config).read())
                is_image = not is_bare(config)
                if is_image:
                    diff_ids = config.rootfs.diff_ids
                    self.note(subject, check_config(config, manifest))
                    name_blobs(self._progress, manifest, config)
                    if described is not None:
                        self.note(subject, check_platform(config, described))
                else:
                    self.note(
                        subject,
                        [warning("it has the type of an image, but none of the fields that an image must have")],
                    )
        except (Error, OSError) as failure:
            self.note(subject, [error(str(failure))])
        self._images += is_image
        self._artifacts += not is_image
        if self._read_layers:
            self._check_layers(manifest, diff_ids, get_blob, prefix, is_image=is_image)

    def _check_layers(
        self,
        manifest: Manifest,
        diff_ids: tuple[Digest, ...],
        get_blob: Callable[[Descriptor], Blob],
        prefix: str,
        *,
        is_image: bool,
    ) -> None:
        known = len(diff_ids) == len(manifest.layers)
        parts: list[tuple[Descriptor, _Key]] = []
        for number, layer in enumerate(manifest.layers):
            is_layer = is_image and layer_compression(layer.media_type) is not None
            parts.append((layer, (layer.digest, layer.media_type, diff_ids[number] if known else None, is_layer)))
        calls = {
            key: partial(self._read, layer, key[2], get_blob, is_layer=key[3])
            for layer, key in parts
            if key not in self._contents
        }
        keep_buffers()
        self._contents |= zip(calls, in_parallel(list(calls.values()), _READERS), strict=True)
        below: list[LayerContent] = []
        for number, (layer, key) in enumerate(parts, 1):
            what = "layer" if is_image else "blob"
            subject = f"{prefix}{what} {number} of {len(parts)} ({layer.digest.algorithm}:{layer.digest.short})"
            content = self._contents[key]
            self._sizes[layer.digest] = layer.size
            self.note(subject, content.findings)
            self.note(subject, _check_links(content, below))
            below.append(content)

    def _read(
        self,
        descriptor: Descriptor,
        diff_id: Digest | None,
        get_blob: Callable[[Descriptor], Blob],
        *,
        is_layer: bool,
    ) -> LayerContent:
        task = self._progress.start(descriptor.digest.short, descriptor.size)
        try:
            blob = get_blob(descriptor)
        except NotFound as missing:
            is_foreign = descriptor.media_type in FOREIGN_LAYERS
            content = missing_foreign(missing) if is_foreign else LayerContent((error(str(missing)),))
        except (Error, OSError) as failure:
            content = LayerContent((error(f"it cannot be read: {failure}"),))
        else:
            content = read_layer(blob, diff_id, task.advance) if is_layer else read_blob(blob, task.advance)
        task.finish()
        return content


def _name(what: str, digest: Digest) -> str:
    return f"{what} {digest.algorithm}:{digest.short}"


def _check_links(content: LayerContent, below: list[LayerContent]) -> Iterable[Finding]:
    """Check the hard links that lead out of their layer."""
    for path, target in content.links:
        if any(target in layer.paths for layer in below):
            yield warning(f"the hard link {path[:200]!r} leads to {target[:200]!r} of a lower layer, which may fail")
        else:
            yield error(f"the hard link {path[:200]!r} leads to {target[:200]!r}, which is not there")


def _check_payload(layer: Descriptor, subject: Digest, tag: str, source: Source) -> Iterable[Finding]:
    """Check that what is signed under a digest tag is about the manifest that the tag is for."""
    try:
        if (signed := signed_digest(source.blob(layer).read(_MAX_PAYLOAD))) != subject:
            yield error(f"it is about {signed}, but under the tag {tag}")
    except (Error, ValueError, OSError) as failure:
        yield error(f"it is under the tag {tag}, but {failure}")
