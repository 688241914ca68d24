"""Starts the program of a zipapp, from where it was unpacked before if it was.

It is unpacked to a private temporary folder where the usual one cannot be written to, or could be changed by others.
Under the name `docker_envs.pyz` it is the program of the first release.
"""

import os
import sys
from pathlib import Path

ROOT = "~/.cache/conda-docker/zipapp"  # what scripts/make-zipapp gives shiv


def problem(folder: Path) -> str | None:
    """Return what keeps `folder` from being used; None for one that can be written to, or that serves already."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror
    stranger = changed_by_others(folder)
    if stranger is not None:
        return f"others may change {stranger}"
    if os.access(folder, os.W_OK) or any(folder.iterdir()):
        return None
    return "Permission denied"


def changed_by_others(folder: Path) -> Path | None:
    """Return the folder on the way to `folder` that another user owns or can write to; None where none is.

    What is unpacked there is executed: with sudo, the home folder may be that of a user who would become root by it.
    """
    if not hasattr(os, "getuid"):
        return None
    here = folder.resolve()
    for above in (here, *here.parents):
        status = above.stat()
        sticky = above != here and status.st_mode & 0o1000
        group = 0 if status.st_gid in (0, os.getgid()) else 0o020
        if status.st_uid not in (0, os.getuid()) or (status.st_mode & (group | 0o002) and not sticky):
            return above
    return None


def private_folder() -> Path:
    """Return a folder for temporary files that is this user's alone, the same one each time."""
    import tempfile  # noqa: PLC0415 (takes a tenth of the time of a start)

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir(), f"conda-docker-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anybody may make a folder of this name; what is in it is executed.
    status = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077)):
        raise PermissionError(13, f"{folder} is not private to this user")
    return folder / "zipapp"


def unpacked(root: Path) -> Path | None:
    """Return the folder of modules if all were unpacked below `root` before, as shiv names it (`cache_path`)."""
    if any(name.startswith("SHIV_") and name != "SHIV_ROOT" for name in os.environ):
        return None  # what these ask for is shiv's to do
    described = globals()["__loader__"].get_data("environment.json").decode()
    build = described.partition('"build_id": "')[2].partition('"')[0]
    folder = root / f"{Path(sys.argv[0]).resolve().name}_{build}" / "site-packages"
    return folder if build and folder.is_dir() else None


chosen = os.environ.get("SHIV_ROOT")
usual = Path(chosen or os.path.expanduser(ROOT))  # noqa: PTH111 (Path.expanduser raises where there is no home)
reason = problem(usual) if usual.is_absolute() or chosen else "there is no home folder"
root = usual
try:
    if reason and not chosen:
        root = private_folder()
        os.environ["SHIV_ROOT"] = str(root)
        kept = reason if "others" in reason else f"it cannot be written ({reason})"
        reason = problem(root)
        sys.stderr.write(
            f"warning: {usual} is not used: {kept}; this program is unpacked to {root} "
            "(SHIV_ROOT chooses another folder)\n"
        )
except OSError as error:
    reason = error.strerror
if reason:
    sys.exit(
        f"error: this program cannot be unpacked to {usual}: {reason}; choose a folder with the environment variable "
        "SHIV_ROOT"
    )

# As busybox: the first release was a file of this name.
first_release = Path(sys.argv[0]).stem == "docker_envs"
modules = unpacked(root)
if modules is None:
    if first_release:
        os.environ.setdefault("SHIV_ENTRY_POINT", "conda_docker.cli.docker_envs:main")
    from _bootstrap import bootstrap  # type: ignore[import-not-found]  # (what shiv packs)

    bootstrap()
else:
    sys.path.insert(0, str(modules))
    preamble = modules / "bin" / "zipapp-preamble.py"
    exec(compile(preamble.read_bytes(), preamble, "exec"), {"site_packages": modules})  # noqa: S102 (as shiv runs it)
    if first_release:
        from conda_docker.cli.docker_envs import main
    else:
        from conda_docker.cli import main
    main()
