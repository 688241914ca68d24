"""Dependencies of a manifest as match specs, and as requirements for pip."""

from __future__ import annotations

from pathlib import Path

from conda_docker.environment.inputs.pixi.spelling import CONDA, PYPI, check_dependency
from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import UnsupportedInput
from conda_docker.redaction import public_text
from conda_docker.user_files import user_path

_ARCHIVES = (".conda", ".tar.bz2")
# Keys of a dependency, and what a match spec calls them.
_BRACKETS = {
    "version": "version",
    "build": "build",
    "build-number": "build_number",
    "subdir": "subdir",
    "md5": "md5",
    "sha256": "sha256",
    "license": "license",
}
_UNSUPPORTED = ("file-name", "extras", "flags", "license-family", "track-features", "when")


def match_spec(dependencies: Table, name: str, folder: Path, inherited: Table) -> str:
    """Return the match spec of one entry of a table of dependencies.

    `folder` is what paths are relative to, `inherited` are the `workspace.dependencies`. Raises `InvalidEnvironment`
    for values of a wrong kind, and `UnsupportedInput` for what is built from source.

    >>> from conda_docker.environment.inputs.pixi.toml_table import parse_toml
    >>> entries = parse_toml('numpy = ">=2"\\ntorch = { version = "*", channel = "pytorch" }', "pixi.toml")
    >>> [match_spec(entries, name, Path(), entries) for name in entries]
    ['numpy >=2', 'pytorch::torch']
    """
    value = dependencies.value(name)
    if isinstance(value, str):
        return name + _conditions({"version": value})
    entry = _entry(dependencies, name)
    check_dependency(dependencies, name, CONDA)
    if entry.truth("workspace"):
        if name not in inherited:
            raise dependencies.invalid(name, "is not among `workspace.dependencies`")
        return match_spec(inherited, name, folder, Table({}, inherited.file_name))
    if "git" in entry or "path" in entry or "url" in entry:
        return _archive(dependencies, name, entry, folder)
    for key in _UNSUPPORTED:
        if key in entry:
            raise UnsupportedInput(
                f"{dependencies.where(name)} has `{key}`, which is not supported; ask for {name} without it"
            )
    fields = {field: text for key, field in _BRACKETS.items() if (text := entry.text(key)) is not None}
    channel = entry.text("channel")
    return f"{channel}::" * bool(channel) + name + _conditions(fields)


def _entry(dependencies: Table, name: str) -> Table:
    """Return a dependency that is not a string, which should be a table."""
    value = dependencies.value(name)
    if isinstance(value, dict):
        return dependencies.table(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    hint = f': a version needs quotes, as in `{name} = "{value}"`' if is_number else ' or a table, as in `"1.2.*"`'
    raise dependencies.invalid(name, f"should be a string{hint}")


def _conditions(fields: dict[str, str]) -> str:
    fields = {key: "".join(value.split()) for key, value in fields.items() if value.strip() not in ("", "*")}
    if fields.keys() <= {"version"}:
        return "".join(f" {version}" for version in fields.values())
    conditions = ",".join(f"{key}='{value}'" for key, value in fields.items())
    return f"[{conditions}]"


def _archive(dependencies: Table, name: str, entry: Table, folder: Path) -> str:
    """Return a built package's URL or path. Anything else would have to be built."""
    url, path = entry.text("url"), entry.text("path")
    if url is not None and url.partition("?")[0].endswith(_ARCHIVES):
        return url
    if path is not None and path.endswith(_ARCHIVES):
        return str((folder / user_path(path)).absolute())
    where = public_text(url or path or entry.text("git") or "")
    raise UnsupportedInput(
        f"{dependencies.where(name)} is built from source ({where}), which is not "
        "supported; build it as a conda package and depend on that, or choose an environment without it"
    )


def pip_requirement(dependencies: Table, name: str, folder: Path) -> str:
    """Return the requirement of one entry of a table of dependencies for pip. Raises `InvalidEnvironment`.

    >>> from conda_docker.environment.inputs.pixi.toml_table import parse_toml
    >>> entries = parse_toml('rich = "*"\\npandas = { version = ">=2", extras = ["sql"] }', "pixi.toml")
    >>> [pip_requirement(entries, name, Path()) for name in entries]
    ['rich', 'pandas[sql]>=2']
    """
    value = dependencies.value(name)
    if isinstance(value, str):
        return f"{name}{_version(dependencies, name, value)}"
    entry = _entry(dependencies, name)
    check_dependency(dependencies, name, PYPI)
    extras = entry.texts("extras")
    wanted = f"{name}[{','.join(extras)}]" if extras else name
    markers = entry.text("env-markers")
    marker = f" ; {markers}" if markers else ""
    if (repository := entry.text("git")) is not None:
        return f"{wanted} @ {_repository(entry, repository)}{marker}"
    if (path := entry.text("path")) is not None:
        # An editable package would be a link out of the image: it is built as any other.
        return f"{wanted} @ {(folder / user_path(path)).absolute().as_uri()}{marker}"
    if (url := entry.text("url")) is not None:
        subdirectory = entry.text("subdirectory")
        return f"{wanted} @ {url}" + f"#subdirectory={subdirectory}" * bool(subdirectory) + marker
    return f"{wanted}{_version(entry, 'version', entry.text('version') or '*')}{marker}"


def indexes(dependencies: Table) -> dict[str, str]:
    """Return the indexes that entries of a table of dependencies for pip come from, by their normalized names."""
    entries = {name: dependencies.table(name) for name in dependencies if isinstance(dependencies.value(name), dict)}
    return {normalize_name(name): url for name, entry in entries.items() if (url := entry.text("index")) is not None}


def _version(table: Table, key: str, version: str) -> str:
    version = version.strip()
    if version in ("", "*"):
        return ""
    if version[0] not in "<>=!~":
        example = f"=={version[:80]}" if version[0].isdigit() else f">={version.lstrip('^')[:80]}"
        raise table.invalid(key, f"should begin with an operator, as in `{example}`")
    return version


def _repository(entry: Table, url: str) -> str:
    if not url.startswith("git+"):
        url = f"git+{url}"
    revision = entry.text("rev") or entry.text("tag") or entry.text("branch")
    subdirectory = entry.text("subdirectory")
    return url + f"@{revision}" * bool(revision) + f"#subdirectory={subdirectory}" * bool(subdirectory)
