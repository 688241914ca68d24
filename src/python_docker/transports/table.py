"""The media that images are read from and written to, one row each: to add one, write its module and a row here.

Help texts, reports and `Location.parse` ask this table, so that no other place lists what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from python_docker.transports.look import is_archive, is_directory_image, is_layout


class Syntax(Enum):
    """What follows the colon after a medium's name."""

    PATH = auto()
    """A file or folder."""
    PATH_AND_NAME = auto()
    """A file or folder, and the name of an image in it after another colon."""
    URL = auto()
    """`//` and an image reference."""
    NAME = auto()
    """A name, or whatever else the medium knows its images by."""


class Medium(NamedTuple):
    """One kind of place for images.

    `source` and `destination` name the classes that read and write it, as `module:class`; they are imported when they
    are used. `detect` says whether a path is one of these. `present`, a function as `module:function`, says what of
    an image is there already and would not be sent; without one, all is sent.
    """

    name: str
    form: str
    title: str
    syntax: Syntax
    source: str
    destination: str
    holds_index: bool
    """Whether it can hold a multi-platform image."""
    holds_referrers: bool = False
    """Whether documents can be attached to an image there."""
    keeps_manifest: bool = True
    """Whether the manifest that is written can be read back, so that its digest means something there."""
    is_file: bool = False
    """Whether it is written as one file, in a folder that must be there."""
    detect: Callable[[Path], bool] | None = None
    present: str | None = None


_ROWS = (
    Medium(
        name="docker",
        form="docker://REF",
        title="a registry",
        syntax=Syntax.URL,
        source="python_docker.registry.source:RegistrySource",
        destination="python_docker.registry.destination:RegistryDestination",
        holds_index=True,
        holds_referrers=True,
        present="python_docker.registry.destination:present_blobs",
    ),
    Medium(
        name="docker-daemon",
        form="docker-daemon:REF",
        title="Docker or Podman",
        syntax=Syntax.NAME,
        source="python_docker.transports.docker.engine:EngineSource",
        destination="python_docker.transports.docker.engine:EngineDestination",
        holds_index=False,
        keeps_manifest=False,
    ),
    Medium(
        name="docker-archive",
        form="docker-archive:PATH[:REF]",
        title="a docker archive",
        syntax=Syntax.PATH_AND_NAME,
        source="python_docker.transports.docker.archive:ArchiveSource",
        destination="python_docker.transports.docker.archive:ArchiveDestination",
        holds_index=False,
        is_file=True,
        # Of OCI archives too: `ArchiveSource` looks at what is in it.
        detect=is_archive,
    ),
    Medium(
        name="oci",
        form="oci:DIR[:TAG]",
        title="an OCI layout",
        syntax=Syntax.PATH_AND_NAME,
        source="python_docker.transports.oci.layout:OciLayoutSource",
        destination="python_docker.transports.oci.layout:OciLayoutDestination",
        holds_index=True,
        holds_referrers=True,
        detect=is_layout,
        present="python_docker.transports.oci.layout:present_blobs",
    ),
    Medium(
        name="oci-archive",
        form="oci-archive:PATH[:TAG]",
        title="an OCI archive",
        syntax=Syntax.PATH_AND_NAME,
        source="python_docker.transports.oci.archive:OciArchiveSource",
        destination="python_docker.transports.oci.archive:OciArchiveDestination",
        holds_index=True,
        holds_referrers=True,
        is_file=True,
    ),
    Medium(
        name="dir",
        form="dir:DIR",
        title="a folder of skopeo's",
        syntax=Syntax.PATH,
        source="python_docker.transports.directory:DirectorySource",
        destination="python_docker.transports.directory:DirectoryDestination",
        holds_index=True,
        detect=is_directory_image,
    ),
)

MEDIA: dict[str, Medium] = {medium.name: medium for medium in _ROWS}
"""The media by name."""

FORMS = ", ".join(medium.form for medium in _ROWS)
"""How a place in each medium is written, for help texts and messages."""

INDEX_FORMS = ", ".join(medium.form.partition("[")[0] for medium in _ROWS if medium.holds_index)
"""The same of those that can hold a multi-platform image."""

REFERRER_FORMS = ", ".join(medium.form.partition("[")[0] for medium in _ROWS if medium.holds_referrers)
"""The same of those that documents can be attached in."""


def title_of(destination: object) -> str:
    """Return what messages call the kind of place that a destination writes to.

    >>> from python_docker.transports.docker.archive import ArchiveDestination
    >>> title_of(ArchiveDestination)
    'a docker archive'
    """
    kind = destination if isinstance(destination, type) else type(destination)
    named = {medium.destination.rpartition(":")[2]: medium.title for medium in _ROWS}
    return named.get(kind.__name__, "this destination")


def medium_at(path: Path) -> Medium | None:
    """Return the medium that a path is, judged by what is there; None when it holds no image, or nothing is there."""
    return next((medium for medium in _ROWS if medium.detect is not None and medium.detect(path)), None)
