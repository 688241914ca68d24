"""Bills of materials as documents: the formats there are, and one function that writes them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from conda_docker.arguments.values import to_choice, to_path
from conda_docker.errors import MissingExtra
from python_docker.argument_types import check_optional, check_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.environment.packages.wheels import Distribution
    from python_docker.image import Image
    from python_docker.spec.documents.manifest import Manifest


class BillFormat(StrEnum):
    """A format of bills of materials."""

    CYCLONEDX = "cyclonedx"
    """CycloneDX 1.6, as JSON."""
    SPDX = "spdx"
    """SPDX 2.3, as JSON."""

    @property
    def media_type(self) -> str:
        """The media type of the document, and the artifact type of what is attached to images.

        >>> BillFormat.SPDX.media_type
        'application/spdx+json'
        """
        return "application/vnd.cyclonedx+json" if self is BillFormat.CYCLONEDX else "application/spdx+json"

    @property
    def predicate_type(self) -> str:
        """What a statement with the bill in it is, to those who verify signed ones.

        >>> BillFormat.SPDX.predicate_type
        'https://spdx.dev/Document'
        """
        return "https://cyclonedx.org/bom" if self is BillFormat.CYCLONEDX else "https://spdx.dev/Document"

    @property
    def predicate_types(self) -> tuple[str, ...]:
        """What statements with such bills in them may be: versions may follow, as in SPDX's own predicates.

        >>> BillFormat.SPDX.predicate_types
        ('https://spdx.dev/Document', 'https://spdx.dev/Document/v2.2', 'https://spdx.dev/Document/v2.3')
        """
        if self is BillFormat.CYCLONEDX:
            return (self.predicate_type, f"{self.predicate_type}/v1.5", f"{self.predicate_type}/v1.6")
        return (self.predicate_type, f"{self.predicate_type}/v2.2", f"{self.predicate_type}/v2.3")


def check_installed(formats: Sequence[BillFormat]) -> None:
    """Raise `MissingExtra` unless the libraries that write these formats are installed."""
    if not formats:
        return
    from importlib.util import find_spec

    needed = ["license_expression", "packageurl"]
    needed += ["cyclonedx"] if BillFormat.CYCLONEDX in formats else []
    needed += ["spdx_tools"] if BillFormat.SPDX in formats else []
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"bills of materials need libraries that are not installed ({', '.join(missing)}): "
            "install them with `pip install 'conda-docker[sbom]'`"
        )


def bill_of_materials(
    image: Image,
    bill_format: BillFormat | str,
    *,
    manifest: Manifest | None = None,
    environment: LockedEnvironment | None = None,
    stated: Mapping[str, Mapping[str, str]] | None = None,
    cache_dir: Path | None = None,
    offline: bool = False,
    files: bool = False,
    inside: bool = False,
) -> bytes:
    """Return the bill of materials of an image, which is the same for the same image.

    It is made from the image's history, which names every package with its hash. `environment`, where the image was
    just built from it (`BuildResult.environment`), adds licenses, dependencies, and the distributions that conda
    packages bring to pip: packages that have to do with Python are looked into, and downloaded into `cache_dir` (None:
    the user's) unless they are there or were looked into before. `stated` (`BuildResult.stated`) adds the licenses of
    wheels, and where conda packages were built from. With `files`, every file of the packages is listed with its
    digests: all layers of packages are read for it. `manifest` is the image's as it was written, if that
    is not `image.manifest`. A bill that becomes a file `inside` the image names neither the image nor its layers.

    Raises `NotFound` for an image whose history names no packages, `DownloadError` for a package that cannot be looked
    into, `MissingExtra` without the libraries of `conda-docker[sbom]`.

        result = build_image(environment)
        bill = bill_of_materials(
            result.image, "cyclonedx", environment=result.environment, stated=result.stated
        )
    """
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image

    check_type("image", image, Image, "open_image opens one by its name")
    bill_format = to_choice("bill_format", bill_format, kind=BillFormat)
    check_optional("environment", environment, LockedEnvironment, "BuildResult.environment is one")
    check_optional("stated", stated, Mapping)
    cache_dir = to_path("cache_dir", cache_dir)
    check_installed([bill_format])
    from conda_docker.sbom.inventory import take_inventory

    distributions: tuple[Distribution, ...] = ()
    if environment is not None:
        from conda_docker.cache.location import default_cache_dir
        from conda_docker.pypi.distributions import provided_distributions

        distributions = provided_distributions(
            environment.packages, cache_dir or default_cache_dir(), offline=offline, exact=True
        )
    from conda_docker.sbom.files import files_of_packages

    items = files_of_packages(image) if files else {}
    inventory = take_inventory(image, manifest, environment, distributions, stated or {}, items, inside=inside)
    if bill_format is BillFormat.CYCLONEDX:
        from conda_docker.sbom.cyclonedx import cyclonedx_document

        return cyclonedx_document(inventory)
    from conda_docker.sbom.spdx import spdx_document

    return spdx_document(inventory)
