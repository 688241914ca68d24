"""LinkReport: what is worth knowing of a package beyond its files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

STATED = ("license", "remote_url", "sha", "flow_run_id", "attestations_sha256")
"""What of a package's statements is kept: a wheel's license, and what CEP 31 has builds of conda packages say."""


@dataclass(slots=True)
class LinkReport:
    """What was seen while a package was linked; complete when all its entries have been taken.

    Paths are relative to the prefix. `paths` are those of all files and links in the layer; `trimmed_files` and
    `trimmed_bytes` count what the filter left out. `link_scripts` are scripts that clients run on linking; they are in
    the image and were not run. `activate` are activation scripts, and `variables` holds the variables of each file in
    `etc/conda/env_vars.d` by its name. `compiled` counts the `.pyc` files that were made; `uncompiled` maps the modules
    that have none, though they should, to the reason. `notes` say what of the package cannot be
    used; `programs` says that it has programs which glibc's loader starts. `stated` is what the package says of its
    license and of where it was built from, for bills of materials (see `STATED`).
    """

    paths: list[str] = field(default_factory=list)
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    link_scripts: tuple[str, ...] = ()
    activate: tuple[str, ...] = ()
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    compiled: int = 0
    uncompiled: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    programs: bool = False
    stated: Mapping[str, str] = field(default_factory=dict)

    @property
    def post_link(self) -> bool:
        """Whether the package has a post-link script."""
        return any(script.endswith("-post-link.sh") for script in self.link_scripts)

    @property
    def pre_link(self) -> bool:
        """Whether the package has a pre-link script."""
        return any(script.endswith("-pre-link.sh") for script in self.link_scripts)

    def read_variables(self, place: str, content: bytes) -> None:
        """Note the variables in a file of `etc/conda/env_vars.d`; others than JSON objects set none, as in conda."""
        name = posixpath.basename(place)
        try:
            variables = json.loads(content)
        except (ValueError, RecursionError):
            variables = None
        if not isinstance(variables, dict):
            self.notes += (f"the file of variables {name[:80]!r} is not a JSON object: it sets none",)
        else:
            self.variables[name] = {
                key: value if isinstance(value, str) else json.dumps(value) for key, value in variables.items()
            }
