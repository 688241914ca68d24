"""Labels of a Python project: what the table `[project]` of its pyproject.toml says (PEP 621, PEP 639)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conda_docker.arguments.toml_document import toml_document
from conda_docker.redaction import public_url
from conda_docker.user_files import read_text
from python_docker.errors import NotFound

FILE = "pyproject.toml"
_PREFIX = "org.opencontainers.image"
# Well-known labels of URLs (packaging.python.org, "Well-known Project URLs in Metadata"), without case and punctuation.
_URLS = {
    "url": ("homepage",),
    "source": ("source", "repository", "sourcecode", "github"),
    "documentation": ("documentation", "docs"),
}


def labels_from_pyproject(folder: Path) -> dict[str, str]:
    """Return the labels of the project in a folder or one above it; what is not said there is left out.

    Raises `NotFound` where no pyproject.toml has a `[project]`, and `InvalidEnvironment` for one that is not TOML.
    """
    folder = folder.absolute()
    for above in (folder, *folder.parents):
        if (above / FILE).is_file():
            project = _project(above / FILE)
            if project is not None:
                return {f"{_PREFIX}.{name}": value for name, value in _labels(project)}
    raise NotFound(f"no {FILE} in {folder} or above it has a table [project]")


def _project(path: Path) -> Mapping[str, Any] | None:
    project = toml_document(read_text(path), str(path)).get("project")
    return project if isinstance(project, dict) else None


def _labels(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for label, key in (("title", "name"), ("description", "description"), ("version", "version")):
        if isinstance(project.get(key), str):
            yield label, " ".join(project[key].split())
    license_ = project.get("license")
    # Before PEP 639 it was a table, whose text may be a whole license.
    if isinstance(license_, str):
        yield "licenses", license_
    authors = project.get("authors")
    names = [_author(author) for author in authors] if isinstance(authors, list) else []
    if any(names):
        yield "authors", ", ".join(filter(None, names))
    urls = project.get("urls")
    known = {_plain(name): url for name, url in urls.items() if isinstance(url, str)} if isinstance(urls, dict) else {}
    for label, spellings in _URLS.items():
        url = next((known[name] for name in spellings if name in known), None)
        if url is not None:
            yield label, public_url(url)


def _author(author: object) -> str:
    if not isinstance(author, dict):
        return ""
    name, address = author.get("name"), author.get("email")
    if isinstance(name, str):
        return f"{name} <{address}>" if isinstance(address, str) else name
    return address if isinstance(address, str) else ""


def _plain(name: object) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())
