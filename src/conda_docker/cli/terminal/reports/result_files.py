"""Files with the result of a build, as `docker buildx build` writes them for the steps that follow.

Source: docker/buildx, docs/reference/buildx_build.md, "--metadata-file" and "--iidfile".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python_docker.transports.output import write_file

if TYPE_CHECKING:
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location


def write_result_files(
    metadata_file: Path | None,
    iidfile: Path | None,
    names: Sequence[ImageReference],
    written: Mapping[Location, Manifest | Index],
) -> None:
    """Write those files that are asked for. Raises `Error`."""
    kept = [document for place, document in written.items() if place.medium.keeps_manifest]
    document = (kept or list(written.values()))[0]
    if metadata_file is not None:
        text = json.dumps(_metadata(document, names), indent=2)
        write_file(metadata_file, f"{text}\n".encode())
    if iidfile is not None:
        write_file(iidfile, str(_config_digest(document) or document.digest).encode())


def _metadata(document: Manifest | Index, names: Sequence[ImageReference]) -> dict[str, Any]:
    config = _config_digest(document)
    return {
        **({"containerimage.config.digest": str(config)} if config else {}),
        "containerimage.descriptor": document.descriptor.to_json(),
        "containerimage.digest": str(document.digest),
        "image.name": ",".join(map(str, names)),
    }


def _config_digest(document: Manifest | Index) -> str | None:
    """Return the image's ID, which an index has not."""
    from python_docker.spec.documents.manifest import Index

    return None if isinstance(document, Index) else document.config.digest
