"""Starts the program of a zipapp: in a private temporary folder where the usual one cannot be written."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = "~/.cache/conda-docker/zipapp"  # what scripts/make-zipapp gives shiv


def problem(folder: Path) -> str | None:
    """Return what keeps `folder` from being written to; None for one that can be, or that serves already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror
    if os.access(folder, os.W_OK) or any(folder.iterdir()):
        return None
    return "Permission denied"


def private_folder() -> Path:
    """Return a folder for temporary files that is this user's alone, the same one each time."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir(), f"conda-docker-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anybody may make a folder of this name; what is in it is executed.
    status = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077)):
        raise PermissionError(13, f"{folder} is not private to this user")
    return folder / "zipapp"


chosen = os.environ.get("SHIV_ROOT")
usual = Path(chosen or os.path.expanduser(ROOT))  # noqa: PTH111 (Path.expanduser raises where there is no home)
reason = problem(usual) if usual.is_absolute() or chosen else "there is no home folder"
try:
    if reason and not chosen:
        os.environ["SHIV_ROOT"] = str(private_folder())
        reason = problem(Path(os.environ["SHIV_ROOT"]))
        sys.stderr.write(
            f"warning: {usual} cannot be written; this program is unpacked to {os.environ['SHIV_ROOT']} "
            "(SHIV_ROOT chooses another folder)\n"
        )
except OSError as error:
    reason = error.strerror
if reason:
    sys.exit(
        f"error: this program cannot be unpacked to {usual}: {reason}; choose a folder with the environment variable "
        "SHIV_ROOT"
    )

from _bootstrap import bootstrap  # type: ignore[import-not-found]  # noqa: E402 (what shiv packs)

bootstrap()
