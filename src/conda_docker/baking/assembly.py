"""From the layers of a target to its image, at all places that it goes to."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from conda_docker.baking.result import LayerSummary, Outcome, TargetResult
from conda_docker.baking.since import places_digest
from conda_docker.baking.targets.target import Target
from conda_docker.image.assemble import build_image
from conda_docker.image.index import finish_images
from conda_docker.image.reuse import WithLayers
from python_docker.copying.delivery import Delivery
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Progress, Task
from python_docker.transports import open_destination

if TYPE_CHECKING:
    from conda_docker.baking.since import Earlier
    from conda_docker.image.result import BuildResult
    from conda_docker.layers.stores.layer_stores import LayerStores
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.resolution.resolve import Resolved
    from python_docker.image.blob import Blob
    from python_docker.parallel import Stop
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.registry.access.places import BlobPlaces
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.transports import Location
    from python_docker.transports.medium import Destination


@dataclass(slots=True)
class Assembly:
    """What the images of a bake have in common while they are put together.

    One at a time looks for its layers and makes those that only it can have (see `works_of`): what two images have in
    common is then there for the second. `near` gives what is open already of the registry that a place is in. `made`
    are the digests of the layers that this bake has made.
    """

    stop: Stop
    progress: Progress = SILENT
    places: BlobPlaces | None = None
    near: Callable[[Target, Location], Destination | None] = lambda target, place: None
    making: threading.Lock = field(default_factory=threading.Lock)
    made: dict[Digest, int] = field(default_factory=dict)

    def registry_of(self, target: Target, place: Location) -> RegistryOptions | None:
        """Return how to talk to the registry that a place is in, None for another medium."""
        if place.transport != "docker":
            return None
        from python_docker.registry.access.options import RegistryOptions

        reference = place.reference()
        hosts = {host.lower() for host in target.insecure}
        own = set() if reference is None else {reference.domain, reference.api_host}
        fields: dict[str, Any] = {"insecure": bool(own & hosts), "places": self.places}
        if target.ca_bundle is not None:
            fields["ca_bundle"] = target.ca_bundle
        return RegistryOptions.from_environment(**fields)

    def assemble(
        self,
        target: Target,
        resolved: Sequence[Resolved],
        stores: LayerStores | None = None,
        *,
        inputs: str | None = None,
        earlier: Earlier | None = None,
        replaced: ReplacedImages | None = None,
    ) -> TargetResult:
        """Build the images of a target, whose layers are known, and write them to its places.

        Where `earlier` has the digest that comes out, and went to the same places, nothing is written. To what takes
        the place of images that are `replaced`, what the next bake needs to reuse its layers is attached. Raises what
        `build_image` and `Delivery` raise.
        """
        begun = time.monotonic()
        task = self.progress.start(f"image {target.name}", None)
        progress = _Summed(task)
        outcome = Outcome.FAILED
        try:
            results, written, outcome = self._written(target, resolved, progress, stores, earlier, replaced)
        except KeyboardInterrupt:
            outcome = Outcome.INTERRUPTED
            raise
        except CancelledError:
            outcome = Outcome.INTERRUPTED if isinstance(self.stop.cause, KeyboardInterrupt) else Outcome.CANCELLED
            raise
        finally:
            task.finish(str(outcome))
        return self._result(target, results, written, inputs, begun, outcome)

    def send_layers(self, target: Target, resolved: Sequence[Resolved], stores: LayerStores | None = None) -> None:
        """Put the layers of packages and bases at the places of a target, for whoever writes its manifests.

        Raises what `build_image` and `open_destination` raise.
        """
        results = self._build(target, resolved, SILENT, stores, None)
        blobs: dict[Digest, Blob] = {}
        for result, each in zip(results, resolved, strict=True):
            wanted = {layer.digest for layer in result.layers if layer.packages}
            wanted |= set() if each.base is None else {layer.digest for layer in each.base.layers}
            blobs |= {layer.digest: layer.blob for layer in reversed(result.image.layers) if layer.digest in wanted}
        for place in target.outputs:
            destination = open_destination(place, reference=target.reference, registry=self.registry_of(target, place))
            try:
                calls = [partial(destination.put_blob, blob, SILENT.start("", None)) for blob in blobs.values()]
                in_parallel(calls, destination.parallel, self.stop)
            finally:
                destination.abort()  # which has no manifest, and leaves the blobs

    def _written(
        self,
        target: Target,
        resolved: Sequence[Resolved],
        progress: Progress,
        stores: LayerStores | None,
        earlier: Earlier | None,
        replaced: ReplacedImages | None,
    ) -> tuple[list[BuildResult], dict[Location, Manifest | Index], Outcome]:
        alone = len(resolved) == 1
        if alone and earlier is not None and earlier.digest is not None and earlier.may_be_of(target):
            results = self._build(target, resolved, progress, stores, None)
            if str(results[0].image.digest) == earlier.digest:
                return results, {}, Outcome.UNCHANGED
        delivery = Delivery(
            target.outputs,
            reference=target.reference,
            registry=lambda place: self.registry_of(target, place),
            near=lambda place: self.near(target, place),
            progress=progress,
        )
        with delivery:
            self._stop_with(delivery)
            results = self._build(target, resolved, progress, stores, delivery)
            attach = None if target.finishing is None else target.finishing.attachments(results)
            if replaced is not None:
                attach = WithLayers(attach, replaced, alone=len(results) == 1)
            images = [result.image for result in results]
            finished = finish_images(images, delivery, attach=attach, annotations=target.annotations)
        written = dict(zip(target.outputs, finished, strict=True))
        if target.finishing is not None and written:
            target.finishing.written(written)
        return results, written, Outcome.BUILT

    def _stop_with(self, delivery: Delivery) -> None:
        """Have a delivery end when all is to end, without keeping it for that."""
        kept = weakref.ref(delivery)

        def end(_: object) -> None:
            if (running := kept()) is not None:
                running.stop.set(self.stop.cause)

        self.stop.future.add_done_callback(end)

    def _build(
        self,
        target: Target,
        resolved: Sequence[Resolved],
        progress: Progress,
        stores: LayerStores | None,
        delivery: Delivery | None,
    ) -> list[BuildResult]:
        # With --no-cache all layers that can be shared have been made anew by now.
        options = replace(target.request.options, use_cache=True)
        results = []
        for each in resolved:
            with self.making:
                self.stop.check()
                result = build_image(
                    each.environment,
                    each.base,
                    options,
                    stores=stores,
                    delivery=delivery,
                    progress=progress,
                )
                self.made |= {
                    layer.digest: layer.size for layer in result.layers if layer.packages and not layer.cached
                }
            reference = target.reference
            result.image.name, result.image.tag = reference.familiar_name, reference.tag
            results.append(result)
        return results

    def _result(
        self,
        target: Target,
        results: Sequence[BuildResult],
        written: Mapping[Location, Manifest | Index],
        inputs: str | None,
        begun: float,
        outcome: Outcome,
    ) -> TargetResult:
        digests = {
            str(place): str(document.digest) for place, document in written.items() if place.medium.keeps_manifest
        }
        if not digests and len(results) == 1:
            digest: str | None = str(results[0].image.digest)
        else:
            digest = next(iter(digests.values())) if len(set(digests.values())) == 1 else None
        return TargetResult(
            name=target.name,
            image=target.reference.familiar,
            outcome=outcome,
            source=target.source,
            digest=digest,
            digests=digests,
            inputs=inputs,
            places=places_digest(target),
            platforms=tuple(str(result.image.platform) for result in results),
            layers=tuple(
                LayerSummary(
                    packages=layer.packages,
                    digest=str(layer.digest),
                    size=layer.size,
                    known=layer.digest not in self.made,
                )
                for result in results
                for layer in result.layers
                if layer.packages
            ),
            seconds=time.monotonic() - begun,
            notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        )


class _Summed:
    """Progress of all work for one image as that of a single task."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def start(self, label: str, total: int | None) -> Task:
        return _Part(self._task)


class _Part:
    def __init__(self, whole: Task) -> None:
        self._whole = whole

    def advance(self, size: int) -> None:
        self._whole.advance(size)

    def finish(self, outcome: str = "") -> None:
        """Say nothing: the whole goes on."""
