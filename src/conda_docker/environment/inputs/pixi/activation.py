"""What activating a pixi environment does besides what its packages do: scripts that it sources, variables it sets."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.inputs.pixi.manifest import Environment, Feature, Manifest
from conda_docker.environment.inputs.pixi.platforms import Platform
from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.user_files import note_read
from python_docker.errors import InvalidPath, reason_of
from python_docker.files.regular import read_regular_file
from python_docker.tar import contained_path

_REFERENCE = re.compile(r"\$\{?[A-Za-z_]")
_REFERENCE_OF_WINDOWS = re.compile(r"%[A-Za-z_]+%")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# All that has a meaning in double quotes, but for `$NAME`.
_SPECIAL = re.compile(r"[\"\\`]|\$(?![A-Za-z_])(?:\{(?=[A-Za-z_]))?")
_LARGEST = 64 << 10  # bytes; scripts are part of an image's history, which registries keep small
_SUFFIXES = (".sh", ".bash")


@dataclass(frozen=True, slots=True)
class ProjectActivation:
    """Variables to set, scripts to source in their order, and warnings about what is left out."""

    variables: Mapping[str, str]
    scripts: tuple[ActivationScript, ...] = ()
    warnings: tuple[str, ...] = ()


def read_activation(manifest: Manifest, environment: Environment, platform: Platform) -> ProjectActivation:
    """Return what the `activation` tables of an environment ask for.

    Scripts come in the order of the environment's features, of each feature those of its most specific target, and
    variables are set after them, as in pixi (crates/pixi_core/src/activation.rs). A variable that refers to others is
    set by a script of its own. Raises `InvalidEnvironment` for names and values that no variable has, and for scripts
    that are not there, not text, or outside of the manifest's folder.
    """
    values: dict[str, str] = {}
    # The first feature counts most, so it comes last.
    for feature in reversed(environment.features):
        for table in feature.targets(platform):
            found = table.table("activation").table("env")
            values |= {name: _value(found, name) for name in found}
    warnings: list[str] = []
    for name in [name for name, value in values.items() if _REFERENCE_OF_WINDOWS.search(value)]:
        warnings.append(
            f"the variable {name} refers to others as Windows does ({values.pop(name)[:200]}): it is not set; --env "
            "can set it"
        )
    scripts: list[ActivationScript] = []
    for feature in environment.features:
        table, paths = _scripts(feature, platform)
        for path in paths:
            if PurePosixPath(path).suffix in _SUFFIXES:
                scripts.append(_script(table, path, manifest.folder))
            else:
                warnings.append(f"{table.where('scripts')}: {path[:200]!r} is not a .sh file and is passed over")
    referring = {name: value for name, value in values.items() if _REFERENCE.search(value)}
    if exported := values if scripts else referring:
        scripts.append(ActivationScript("variables.sh", exports(exported)))
    plain = {name: value for name, value in values.items() if name not in referring}
    return ProjectActivation(plain, tuple(scripts), tuple(dict.fromkeys(warnings)))


def exports(variables: Mapping[str, str]) -> str:
    """Return a script that sets variables, whose values may refer to others, and do nothing else.

    >>> print(exports({"DATA": "$CONDA_PREFIX/share", "PRICE": "5$ `id`"}), end="")
    export DATA="$CONDA_PREFIX/share"
    export PRICE="5\\$ \\`id\\`"
    """
    return "".join(f'export {name}="{_quoted(value)}"\n' for name, value in variables.items())


def _quoted(value: str) -> str:
    """Return a value for double quotes, with nothing to replace but `$NAME` and what `${NAME` begins and `}` ends."""
    end = value.rfind("}")
    return _SPECIAL.sub(lambda found: found[0] if found[0] == "${" and found.start() < end else f"\\{found[0]}", value)


def _scripts(feature: Feature, platform: Platform) -> tuple[Table, tuple[str, ...]]:
    """Return the scripts of a feature, and the table that names them: the last one that has any replaces others."""
    tables = [table.table("activation") for table in feature.targets(platform)]
    table = next((table for table in reversed(tables) if "scripts" in table), tables[0])
    return table, table.texts("scripts")


def _script(table: Table, path: str, folder: Path) -> ActivationScript:
    try:
        relative = contained_path(path)
        if path.startswith("/"):
            raise InvalidPath("it should be relative to the manifest")
        file = (folder / relative).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise InvalidPath("a link leads out of the manifest's folder")
        text = read_regular_file(file, _LARGEST).decode()
    except InvalidPath as error:
        raise table.invalid("scripts", f"names {path[:200]!r}, which cannot be used: {error}") from error
    except UnicodeDecodeError as error:
        raise table.invalid("scripts", f"names {path[:200]!r}, which is not text in UTF-8") from error
    except OSError as error:
        reason = f"it has more than {_LARGEST >> 10} KiB" if error.errno == errno.EFBIG else reason_of(error)
        raise table.invalid("scripts", f"names {path[:200]!r}, which cannot be read: {reason}") from error
    note_read(file, text)
    return ActivationScript(f"{PurePosixPath(relative).stem}.sh", text)


def _value(table: Table, name: str) -> str:
    value = table.value(name)
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int | float) or "\0" in str(value):
        raise table.invalid(name, "should be a string")
    if not _NAME.fullmatch(name):
        raise table.invalid(name, "cannot be the name of a variable")
    return str(value)
