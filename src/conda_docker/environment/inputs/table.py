"""The table of input files. A new kind is a module and a row here."""

from __future__ import annotations

from conda_docker.environment.inputs import pixi_manifest, refused
from conda_docker.environment.inputs.kind import InputFile, InputKind
from conda_docker.environment.inputs.lock_files import conda_lock, explicit, own_lock, pixi_lock
from conda_docker.environment.inputs.specs import environment_yml, list_export, spec_list
from conda_docker.errors import InvalidEnvironment

KINDS: tuple[InputKind, ...] = (
    own_lock.KIND,
    explicit.KIND,
    pixi_lock.KIND,
    conda_lock.KIND,
    pixi_manifest.KIND,
    *refused.KINDS,
    list_export.KIND,  # some call theirs environment.yml
    environment_yml.KIND,
    spec_list.KIND,
)
"""The kinds of file, in the order in which they are tried: the earlier ones are recognised by more particular signs."""


def kind_of(file: InputFile) -> InputKind:
    """Return the kind of a file. Raises `InvalidEnvironment` where it is none of these.

    >>> from pathlib import Path
    >>> kind_of(InputFile.of(Path("packages.txt"), "# platform: linux-64\\n@EXPLICIT\\n")).name
    'an explicit list'
    """
    for kind in KINDS:
        if kind.detect(file):
            return kind
    raise InvalidEnvironment(
        f"{file.path} does not describe an environment: it is neither an environment.yml (with `dependencies:`), "
        "an explicit list (with a line @EXPLICIT), a lock file nor a list of packages"
    )
