from __future__ import annotations

from packageurl import PackageURL

from conda_docker.sbom.purl import conda_purl


def test_a_legacy_archive() -> None:
    purl = conda_purl("a", "1", build="0", url="https://conda.anaconda.org/bioconda/noarch/a-1-0.tar.bz2")
    assert purl == "pkg:conda/a@1?build=0&channel=bioconda&subdir=noarch&type=tar.bz2"


def test_a_channel_without_a_name_is_a_url() -> None:
    purl = conda_purl("a", "1!2+b", build="0", url="https://example.com/some/channel/linux-64/a-1-0.conda")
    parsed = PackageURL.from_string(purl)
    assert parsed.version == "1!2+b"
    assert isinstance(parsed.qualifiers, dict)
    assert parsed.qualifiers["channel"] == "https://example.com/some/channel"
    assert parsed.qualifiers["subdir"] == "linux-64"
