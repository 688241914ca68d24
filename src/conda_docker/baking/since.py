"""What an earlier bake wrote, so that a later one builds only what has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.errors import InvalidEnvironment
from conda_docker.layers.member import identity
from conda_docker.layers.recipe import LAYER_FORMAT
from conda_docker.user_files import read_text
from python_docker.spec.timestamps import source_date_epoch
from python_docker.version import __version__

if TYPE_CHECKING:
    from conda_docker.baking.targets.target import Target
    from conda_docker.resolution.resolve import Resolved

INPUTS_KEY = "conda-docker.inputs.digest"
"""What a metadata file calls the digest of an image's inputs, next to BuildKit's keys."""
PLACES_KEY = "conda-docker.places.digest"
"""What a metadata file calls the digest of an image's name and places."""

_OF_THE_MACHINE = frozenset(
    {"cache_dir", "use_cache", "offline", "workers", "cache_from", "cache_to", "verify_cache", "use_extracted"}
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An image that was written before: its digest, and those of its inputs and of where it went, as far as known."""

    digest: str | None = None
    inputs: str | None = None
    places: str | None = None

    def is_of(self, target: Target, inputs: str | None) -> bool:
        """Return whether a target of these inputs would be the same image, under the same name at the same places."""
        return inputs is not None and self.inputs == inputs and self.places == places_digest(target)

    def may_be_of(self, target: Target) -> bool:
        """Return whether a target with the same digest counts as the same, as far as its name and places show.

        A digest alone says nothing of them, and whoever gives no more asks for no more.
        """
        return self.places == places_digest(target) or (self.places is None and self.inputs is None)


def read_since(path: Path) -> dict[str, Earlier]:
    """Return what a file says of earlier images, by the names of their targets.

    It is what `bake --json` printed, a file of `--metadata-file`, or a JSON object of digests by names. Raises
    `InvalidEnvironment` for a file that is missing or none of these.
    """
    text = read_text(path)
    refusal = (
        f"{path} does not say what was built before: expected what `bake --json` prints, a metadata file, or a JSON "
        "object of digests by names"
    )
    try:
        return dict(_entries(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise InvalidEnvironment(f"{refusal} ({error})") from None
    except (KeyError, TypeError, AttributeError):
        raise InvalidEnvironment(refusal) from None


def metadata_entries(path: Path) -> dict[str, dict[str, str]]:
    """Return what a metadata file has for each image; nothing for a file of another form. Raises `InvalidEnvironment`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "d.json")
    ...     _ = file.write_text('{"a": {"containerimage.digest": "sha256:00"}, "b": 1}')
    ...     metadata_entries(file)
    {'a': {'containerimage.digest': 'sha256:00'}}
    """
    value = json.loads(read_text(path))
    if not isinstance(value, dict):
        return {}
    return {name: entry for name, entry in value.items() if isinstance(entry, dict)}


def _entries(value: Any) -> list[tuple[str, Earlier]]:
    if isinstance(value.get("images"), list):
        return [
            (str(each["name"]), Earlier(each.get("digest"), each.get("inputs"), each.get("places")))
            for each in value["images"]
        ]
    found = []
    for name, entry in value.items():
        if isinstance(entry, str):
            found.append((name, Earlier(entry)))
        else:
            found.append(
                (name, Earlier(entry.get("containerimage.digest"), entry.get(INPUTS_KEY), entry.get(PLACES_KEY)))
            )
    return found


def inputs_digest(target: Target, resolved: Sequence[Resolved]) -> str | None:
    """Return the digest of all that the images of a target are made from; None where files of this machine are in them.

    The release of this program is part of it: another may write other bytes.
    """
    request = target.request
    installed = any(each.environment.installed is not None for each in resolved)
    if installed or request.projects or request.options.add:
        return None
    options = {
        field.name: _plain(getattr(request.options, field.name))
        for field in fields(request.options)
        if field.name not in _OF_THE_MACHINE
    }
    inputs = {
        "release": __version__,
        "format": LAYER_FORMAT,
        "epoch": source_date_epoch(),
        "options": options,
        "annotations": dict(target.annotations),
        "outputs": sorted({place.transport for place in target.outputs}),
        "platforms": [_inputs(each) for each in resolved],
    }
    return "sha256:" + hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def places_digest(target: Target) -> str:
    """Return the digest of the name of a target's image and of all places that it goes to, whatever the folder here."""
    places = sorted(
        [place.transport, os.path.realpath(place.path) if place.path else "", place.name or ""]
        for place in target.outputs
    )
    value = json.dumps([target.reference.familiar, places])
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def _inputs(resolved: Resolved) -> dict[str, Any]:
    environment = resolved.environment
    return {
        "subdir": environment.subdir,
        "base": [resolved.base_name, None if resolved.base is None else str(resolved.base.manifest.digest)],
        "packages": [[package.stem, *identity(package)] for package in environment.packages],
        "wheels": [[wheel.stem, *identity(wheel)] for wheel in environment.wheels],
        "replaced": sorted(f"{each.package}/{each.name}" for each in environment.replaced),
        "requested": list(environment.requested),
        "channels": list(environment.channels),
        "variables": dict(environment.variables),
        "scripts": [str(script) for script in environment.scripts],
        "name": environment.name,
    }


def _plain(value: object) -> object:
    """Return a field of the options as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
