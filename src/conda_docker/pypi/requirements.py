"""Requirements as users write them for pip, made into what uv takes in any folder.

All is known then of what the user asked for: names, URLs, hashes, sources to build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.package.fetch.find import local_path
from conda_docker.pypi.requirement_text import (
    SCHEME,
    file_url,
    is_location,
    wheel_name,
    without_extras,
    without_marker,
)
from conda_docker.redaction import public_text
from conda_docker.user_files import is_folder, is_there, user_path

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from conda_docker.environment.packages.wheels import PipOption, PipRequirements

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)")
_HASH = re.compile(r"\s--hash[= ](\S+)")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
_END_OF_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_BUILDING = frozenset({"only-binary", "no-binary"})
# What conda's own users write after a requirement; it concerns building from source alone.
_PER_REQUIREMENT = re.compile(r"\s--(?:global-option|config-settings|install-option)\b.*$")


@dataclass(slots=True)
class Requirements:
    """What to resolve. `lines` and `constraints` are fit for a requirements file in any folder.

    `options` are those that say where packages come from, by pip's long names. `named` are the normalized names that
    the user wrote, `direct` those given by URL or path, and `sources` says of what must be built how it was written.
    """

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    direct: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    trees: dict[str, Path] = field(default_factory=dict)
    """By the words of `sources`, the folders among them."""
    hashes: dict[str, frozenset[str]] = field(default_factory=dict)
    """By name, the SHA-256 that files may have, where the user says so (`--hash`)."""
    requires_hashes: bool = False
    """Whether every package needs one: where the user says so, or any requirement has one (pip, "Secure installs")."""

    def add_option(self, name: str, value: str) -> None:
        """Add an option with its value."""
        self.options[name] = (*self.options.get(name, ()), value)


def read_requirements(pip: PipRequirements) -> Requirements:
    """Return what `pip` asks for.

    Raises `InvalidEnvironment` for what is not a requirement and for paths with nothing at them, with the place, and
    `UnsupportedInput` for options that have no meaning here.
    """
    reader = _Reader(pip.folder or Path())
    for option in pip.options:
        reader.option(option, pip.origin)
    for number, line in enumerate(pip.requirements, 1):
        reader.line(line, pip.places.get(line, f"{pip.origin}, pip requirement {number}"))
    reader.found.constraints.extend(pip.constraints)
    return reader.found


def check_requirements(pip: PipRequirements, *, allow_sdist: bool, projects: Collection[Path] = ()) -> Requirements:
    """Return what `read_requirements` does.

    Raises `UnsupportedInput` for sources too, unless they may be built, as the folders of `projects` always may.
    """
    found = read_requirements(pip)
    refused = [text for text in found.sources if found.trees.get(text) not in projects]
    if refused and not allow_sdist:
        trees = [found.trees[text] for text in refused if text in found.trees]
        project = f"give --project {short_path(trees[0])} where that is your own project, " if trees else ""
        raise _must_be_built(pip, refused, project)
    return found


def check_no_binary(pip: PipRequirements, requirements: Requirements, names: Collection[str]) -> None:
    """Raise `UnsupportedInput` where `--no-binary` is said of one of the packages `names`, which are to be installed.

    Of others it may be said: nothing of them is built.
    """
    wanted = [name for name in requirements.options.get("no-binary", ()) if normalize_name(name) in names]
    if wanted:
        raise _must_be_built(pip, [f"--no-binary {public_text(name)}" for name in wanted])


def _must_be_built(pip: PipRequirements, refused: Sequence[str], project: str = "") -> UnsupportedInput:
    return UnsupportedInput(
        f"{pip.origin} asks pip for what must be built from source: {', '.join(refused[:5])}; {project}allow it with "
        "--allow-sdist, which runs build scripts on this machine, or name a wheel, a version on the package index, or "
        "a conda package"
    )


def short_path(folder: Path) -> Path:
    """Return a folder as it is typed in the current one: relative to it where it is below."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.found = Requirements()
        self._folder = folder

    def line(self, text: str, where: str) -> None:
        """Add a requirement."""
        if _END_OF_LINE.search(text):
            # For uv, what follows would be a line of its own.
            raise InvalidEnvironment(f"{where}: not a requirement: {public_text(text)[:200]!r}")
        editable = text.removeprefix("-e ")
        if editable != text:
            self._source(editable, where, text)
            return
        self._requirement(_PER_REQUIREMENT.sub("", _HASH.sub("", text)).strip(), where)
        self._hashes(text, where)

    def option(self, option: PipOption, where: str) -> None:
        """Add an option."""
        name, value = option
        self.found.requires_hashes |= name == "require-hashes"
        if name in _BUILDING:
            self._building(name, value, where)
        elif name == "find-links" and not SCHEME.match(value):
            self.found.add_option(name, str((self._folder / user_path(value)).absolute()))
        else:
            self.found.add_option(name, value)

    def _building(self, name: str, value: str, where: str) -> None:
        """Add which packages may not be wheels, or must be."""
        for package in value.split(","):
            if package == ":none:":
                self.found.options.pop(name, None)
                continue
            if name == "no-binary" and package == ":all:":
                raise UnsupportedInput(
                    f"{where}: --no-binary :all: is not supported, since conda packages and wheels named by their URLs "
                    "are built already; name the packages to build, as in --no-binary NAME"
                )
            self.found.add_option(name, package)

    def _requirement(self, text: str, where: str) -> None:
        found, folder = self.found, self._folder
        if _VCS.match(text):
            self._source(text, where, text)
            return
        requirement, marker = without_marker(text)
        if is_location(requirement, folder):
            location, extras = without_extras(requirement)
            url = location if SCHEME.match(location) else file_url(folder / user_path(location), where)
            name = wheel_name(url)
            if name is None:
                self._source(text, where, text)
                return
            found.named.add(name)
            found.direct.add(name)
            self._fragment(name, url)
            found.lines.append(f"{name}{extras} @ {url}{marker}")
            return
        named = _NAMED.fullmatch(requirement)
        if named is None:
            raise InvalidEnvironment(f"{where}: not a requirement: {public_text(text)[:200]!r}")
        name = normalize_name(named["name"])
        found.named.add(name)
        if named["rest"].startswith("@"):
            found.direct.add(name)
            url = named["rest"][1:].strip()
            if not SCHEME.match(url):
                # Not PEP 508, but uv and hatch take it.
                text = text.replace(url, file_url(folder / user_path(url), where))
            self._fragment(name, url)
            if wheel_name(url) is None:
                found.sources.append(public_text(text))
                self._tree(public_text(text), local_path(url))
        else:
            from packaging.requirements import InvalidRequirement, Requirement

            try:
                Requirement(text)
            except InvalidRequirement as error:
                reason = str(error).partition("\n")[0]
                raise InvalidEnvironment(f"{where}: not a requirement: {public_text(text)[:200]!r}: {reason}") from None
        found.lines.append(text)

    def _hashes(self, text: str, where: str) -> None:
        """Add the hashes of a requirement; uv knows no others than those of the files it finds."""
        hashes = [match[1] for match in _HASH.finditer(text)]
        if not hashes:
            return
        found = frozenset(hash_.removeprefix("sha256:").lower() for hash_ in hashes if hash_.startswith("sha256:"))
        name = _NAMED.match(text)
        if name is None or not found:
            raise UnsupportedInput(f"{where}: only SHA-256 hashes of named packages can be checked")
        self.found.hashes[normalize_name(name["name"])] = found
        self.found.requires_hashes = True

    def _fragment(self, name: str, url: str) -> None:
        """Add the hash that a URL's fragment may hold: `#sha256=...`."""
        if match := re.search(r"[#&]sha256=([0-9a-fA-F]{64})", url):
            self.found.hashes[name] = frozenset({match[1].lower()})

    def _source(self, location: str, where: str, written: str) -> None:
        """Add a source tree, a source distribution or a repository."""
        self.found.sources.append(public_text(written))
        if _VCS.match(location) or SCHEME.match(location):
            self.found.lines.append(location)
            self._tree(public_text(written), local_path(location))
            return
        text, extras = without_extras(location)
        path = self._folder / user_path(text)
        self.found.lines.append(f"{path.absolute()}{extras}")
        if not is_there(path):
            raise InvalidEnvironment(f"{where}: there is nothing at {path}")
        self._tree(public_text(written), path)

    def _tree(self, written: str, path: Path | None) -> None:
        if path is not None and is_folder(path):
            self.found.trees[written] = path.resolve()
