"""BillWriter: the bills of materials of one build, each made once and put wherever the image goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.sbom.document import BillFormat, bill_of_materials
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import Manifest
from python_docker.transports.output import write_file

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.image.result import BuildResult
    from python_docker.image import Image
    from python_docker.spec.documents.manifest import Index


class BillWriter:
    """Makes the bills of the images of one build.

    `files` are the formats, with the file that each is written to by `write_files`, if any. `list_files`
    has each list the files of all packages.
    """

    def __init__(
        self,
        files: Mapping[BillFormat, Path | None],
        results: Sequence[BuildResult],
        options: BuildOptions,
        *,
        list_files: bool = False,
    ) -> None:
        self._files = dict(files)
        self._results = list(results)
        self._options = options
        self._list_files = list_files
        self._made: dict[tuple[BillFormat, Digest], bytes] = {}

    def bills(self, image: Image, manifest: Manifest) -> dict[BillFormat, bytes]:
        """Return the bills of an image."""
        result = next(result for result in self._results if result.image is image)
        return {bill_format: self._bill(result, manifest, bill_format) for bill_format in self._files}

    def write_files(self, written: Manifest | Index) -> None:
        """Write the bills of the only image to their files, each of which appears whole or not at all.

        `written` is the image's manifest, or an index with it and what stands next to it. Raises `Error` for a file
        that cannot be written.
        """
        for bill_format, path in self._files.items():
            if path is None:
                continue
            if isinstance(written, Manifest):
                write_file(path, self._bill(self._results[0], written, bill_format))
                continue
            keys = ((bill_format, child.digest) for child in written.manifests)
            write_file(path, next(self._made[key] for key in keys if key in self._made))

    def _bill(self, result: BuildResult, manifest: Manifest, bill_format: BillFormat) -> bytes:
        key = bill_format, manifest.digest
        if key not in self._made:
            self._made[key] = bill_of_materials(
                result.image,
                bill_format,
                manifest=manifest,
                environment=result.environment,
                stated=result.stated,
                cache_dir=self._options.cache_dir,
                offline=self._options.offline,
                files=self._list_files,
            )
        return self._made[key]
