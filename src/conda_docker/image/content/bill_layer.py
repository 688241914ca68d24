"""Bills of materials as files in the image that they are of (`--sbom-in-image`), for scanners that read nothing else.

They are outside of all environments, where neither conda nor pip looks, and have names by which trivy and syft know
bills: `*.cdx.json` and `*.spdx.json`, in any folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from conda_docker.image.content.new_layers import NewLayer, NewLayers
from conda_docker.provenance.entries import bill_history
from conda_docker.sbom.document import BillFormat, bill_of_materials, check_installed
from python_docker.image.blob_store import memory_writer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.timestamps import rfc3339
from python_docker.tar import TarEntry

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.layers.recipe import Recipe
    from python_docker.image import Image

_FILES = {
    BillFormat.CYCLONEDX: "/usr/share/sbom/conda-docker.cdx.json",
    BillFormat.SPDX: "/usr/share/sbom/conda-docker.spdx.json",
}
"""The same for all images: the bill of an image takes the place of its base's, whose packages it names too."""


def check_bills(options: BuildOptions) -> None:
    """Raise `MissingExtra` where bills are to be in the image and the libraries that write them are not installed."""
    check_installed([BillFormat(name) for name in options.sbom_in_image])


def bill_layer(
    image: Image,
    environment: LockedEnvironment,
    stated: Mapping[str, Mapping[str, str]],
    options: BuildOptions,
    recipe: Recipe,
    system: BaseSystem,
    created: int,
) -> NewLayers:
    """Return the layer with the bills of an image that is complete but for them.

    The image's name is not in them, nor any digest of it, so that the same packages give the same layer. Folders of the
    base's `system` that are links stay links, and those with an owner or mode of their own keep them. `created` is the
    time of the files, in seconds since 1970. Raises what `bill_of_materials` raises.
    """
    files: dict[str, bytes] = {}
    for name in options.sbom_in_image:
        bill_format = BillFormat(name)
        files[system.real_file(_FILES[bill_format])] = bill_of_materials(
            image,
            bill_format,
            environment=environment,
            stated=stated,
            cache_dir=options.cache_dir,
            offline=options.offline,
            inside=True,
        )
    entries = {path[1:]: (TarEntry(path[1:], size=len(bill), mtime=created), bill) for path, bill in files.items()}
    folders = {path: (entry, b"") for path, entry in system.folders_above(entries).items()}
    with build_layer(memory_writer(), recipe.compression, recipe.level) as builder:
        for _, (entry, content) in sorted((folders | entries).items()):
            builder.add(entry, content)
    assert builder.layer is not None
    history = bill_history(sorted(files), rfc3339(created))
    return NewLayers((NewLayer.of(builder.layer, history, always=True),))
