"""WithLayers: what is attached to the images of a build, and to what replaces an image, for the build after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.image.index import Attachments
    from conda_docker.layers.stores.replaced import ReplacedImages
    from python_docker.copying.referrer import Referrer
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.spec.documents.manifest import Index, Manifest


@dataclass(frozen=True, slots=True)
class WithLayers:
    """Attachments (None: none), and what `replaced` has kept of the layers of all images: it goes to what the name
    means, be that an image (`alone`) or an index.
    """

    others: Attachments | None
    replaced: ReplacedImages
    alone: bool

    @property
    def in_index(self) -> bool:
        """Whether there is something to put next to each image."""
        return self.others is not None and self.others.in_index

    def to_image(self, image: Image, manifest: Manifest) -> Sequence[Referrer]:
        """Return what is attached to an image."""
        others = [] if self.others is None else list(self.others.to_image(image, manifest))
        return [*others, *self._own()] if self.alone and not self.in_index else others

    def beside_image(self, image: Image, manifest: Manifest) -> tuple[Manifest, Descriptor, Sequence[Blob]]:
        """Return what stands in the index next to an image; see `Attachments`."""
        assert self.others is not None
        return self.others.beside_image(image, manifest)

    def to_index(self, index: Index) -> Sequence[Referrer]:
        """Return what is attached to an index."""
        return [*([] if self.others is None else self.others.to_index(index)), *self._own()]

    def _own(self) -> list[Referrer]:
        referrer = self.replaced.referrer()
        return [] if referrer is None else [referrer]
