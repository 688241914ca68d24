"""Package URLs, by which scanners and vulnerability databases know packages (the purl specification)."""

from __future__ import annotations

from packageurl import PackageURL

_KNOWN_HOSTS = (
    "https://conda.anaconda.org/",
    "https://repo.anaconda.com/pkgs/",
    "https://repo.prefix.dev/",
)
"""Where a channel's last part is its name, which purls give as `channel`."""


def conda_purl(name: str, version: str, *, build: str, url: str) -> str:
    """Return the package URL of a conda package. Its channel is a name where the host is known, else a URL.

    >>> url = "https://conda.anaconda.org/conda-forge/noarch/tzdata-2025b-h78e105d_0.conda"
    >>> conda_purl("tzdata", "2025b", build="h78e105d_0", url=url)
    'pkg:conda/tzdata@2025b?build=h78e105d_0&channel=conda-forge&subdir=noarch&type=conda'
    """
    qualifiers = {"build": build, "type": "tar.bz2" if url.endswith(".tar.bz2") else "conda"}
    parts = url.rsplit("/", 2)
    if len(parts) == 3:
        qualifiers |= {"channel": channel_name(parts[0]), "subdir": parts[1]}
    return PackageURL("conda", None, name, version, qualifiers).to_string()


def channel_name(url: str) -> str:
    """Return what a channel at a URL is called.

    >>> channel_name("https://conda.anaconda.org/conda-forge"), channel_name("https://example.com/channel")
    ('conda-forge', 'https://example.com/channel')
    """
    for host in _KNOWN_HOSTS:
        if url.startswith(host):
            return url.removeprefix(host)
    return url


def pypi_purl(name: str, version: str) -> str:
    """Return the package URL of a distribution, by its normalized name.

    >>> pypi_purl("ruamel-yaml", "0.18.6")
    'pkg:pypi/ruamel-yaml@0.18.6'
    """
    return PackageURL("pypi", None, name, version).to_string()


def image_purl(repository: str, digest: str, tag: str | None = None) -> str:
    """Return the package URL of an image. `repository` is its full name without a tag, or empty.

    >>> image_purl("ghcr.io/org/demo", "sha256:0123", "1.0")
    'pkg:oci/demo@sha256:0123?repository_url=ghcr.io/org/demo&tag=1.0'
    """
    qualifiers = {"repository_url": repository} if repository else {}
    if tag:
        qualifiers["tag"] = tag
    return PackageURL("oci", None, repository.rpartition("/")[2] or "image", digest, qualifiers).to_string()
