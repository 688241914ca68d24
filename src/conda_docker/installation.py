"""Whether the files of `python_docker` are still this distribution's.

python-docker 0.2, which this distribution continues, has the same import name: pip installs it over this one without a
word, and takes the shared files away when it is uninstalled. Nothing in `conda_docker` or below needs these files
(`python_docker/__init__.py` and `base.py`), so programs go on working; only whoever imports them gets others.
"""

from __future__ import annotations

import python_docker
from python_docker.version import __version__


def overwritten() -> str | None:
    """Return what has happened to the installation and how to repair it, or None when it is whole."""
    found = getattr(python_docker, "__version__", None)
    if found == __version__:
        return None
    cause = (
        f"python-docker {found} was installed over them" if found else "they were removed, perhaps with python-docker"
    )
    return (
        f"some files of python_docker are not those of conda-docker {__version__}: {cause}. The command line is not "
        "affected, but `from python_docker import ...` is. To repair it: `pip uninstall python-docker`, then "
        "`pip install --force-reinstall --no-deps conda-docker`"
    )
