"""The key of a layer of a prefix's files: a digest of all that its bytes depend on.

Every file is read for it. Sizes and times alone would not do: an installer may give a new file the time and size of the
one it replaces. Reading and hashing costs a twentieth of rewriting and compressing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from conda_docker.layers.recipe import LAYER_FORMAT, digest_of
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.layers import opened, relocation_of
from conda_docker.prefix.survey import LocalFile, Share, Survey
from python_docker.image.host_files import link_target
from python_docker.spec.timestamps import clamp
from python_docker.streams.compression import Compression, zstd_module

if TYPE_CHECKING:
    from conda_docker.layers.recipe import Recipe

PREFIX_FORMAT = 1
"""To be raised whenever the same files give other bytes, apart from what `LAYER_FORMAT` is raised for."""


def layer_key(survey: Survey, shares: Sequence[Share], recipe: Recipe, created: int, bytecode: str | None) -> str:
    """Return the key of the layer of files with these shares, as hexadecimal digits.

    `bytecode` is the exact version of the Python that compiles their modules, None when none does; for the rest see
    `prefix_layer`. Raises `InvalidEnvironment` for a file that cannot be read.
    """
    files = survey.of(*shares)
    with ThreadPoolExecutor() as pool:
        facts = list(pool.map(_facts, files))
    places = {file.place for file in files}
    inputs: dict[str, Any] = {
        "format": [LAYER_FORMAT, PREFIX_FORMAT],
        "files": facts,
        "gone": [survey.deleted, survey.emptied] if Share.CHANGED in shares else [],
        "compiled": sorted(survey.compiled & places),
        "moves": relocation_of(survey, recipe.prefix).moves,
        "prefix": [recipe.prefix, recipe.place],
        "python": [recipe.python_version, recipe.site_packages, recipe.bytecode, bytecode],
        "compression": [recipe.compression, recipe.level],
        "left out": [recipe.trim, recipe.exclude],
        "created": created,
    }
    if recipe.compression is Compression.ZSTD:
        inputs["zstd"] = zstd_module().zstd_version
    return digest_of(inputs)


def _facts(file: LocalFile) -> list[object]:
    """Return what a layer says of a file, and the hash of its content."""
    if file.kind is Kind.LINK:
        return [file.place, file.share, file.kind.value, link_target(file.path)]
    if file.kind is Kind.FOLDER:
        return [file.place, file.share, file.kind.value, file.path.lstat().st_mode]
    with opened(file) as stream:
        status = os.fstat(stream.fileno())
        content = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    return [file.place, file.share, file.kind.value, status.st_mode, clamp(status.st_mtime), content]
