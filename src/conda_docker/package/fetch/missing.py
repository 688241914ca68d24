"""What is not on this machine, where it must be: packages that may not be downloaded, and those of `file:` URLs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.errors import DownloadError, WrongPackage
from conda_docker.package.fetch.find import hash_file, known_hash, local_path
from python_docker.errors import reason_of

if TYPE_CHECKING:
    from conda_docker.package.fetch.published import PublishedFile
    from python_docker.errors import Error

_LISTED = 20


def check_found(records: Sequence[PublishedFile], found: Sequence[Path | None]) -> None:
    """Raise the `DownloadError` of a build that may not download, with all that is missing among what was `found`."""
    missing = [record for record, path in zip(records, found, strict=True) if path is None]
    for record in missing:
        check_local(record)
    if missing:
        names = sorted(f"{record.file_name} from {record.public_url.rpartition('/')[0]}" for record in missing)
        more = f"\nand {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        what, them = ("1 package is", "it") if len(names) == 1 else (f"{len(names)} packages are", "them")
        raise DownloadError(
            f"{what} not on this machine, and --offline forbids downloading {them}:\n"
            + "\n".join(names[:_LISTED])
            + more
        )


def not_here(record: PublishedFile) -> Error:
    """Return the error for a package that is not on this machine where nothing may be downloaded."""
    try:
        check_found([record], [None])
    except DownloadError as error:
        return error
    raise AssertionError("a package that is missing is an error")


def check_local(record: PublishedFile) -> None:
    """Raise `DownloadError` for a package of a `file:` URL that was not found there."""
    path = local_path(record.url)
    if path is None:
        return
    try:
        size = path.stat().st_size
        known = known_hash(record)
        if record.size is not None and size != record.size:
            problem = f"it has {size} bytes, and should have {record.size}"
        elif known is not None:
            problem = f"its {known[0]} is {hash_file(path, known[0])}, and should be {known[1]}"
        else:
            problem = "it is not a file"
    except OSError as error:
        raise DownloadError(f"cannot read the package {path}: {reason_of(error)}") from None
    from conda_docker.package.fetch.download import wrong_content

    raise WrongPackage(wrong_content(record, problem))
