"""Images by names, tags and digests, for those who may use them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.serve.errors import ManifestUnknown
from conda_docker.serve.making.catalogue import Catalogue
from conda_docker.serve.making.served_image import ServedImage, StoredDocument
from conda_docker.serve.names import parse_name
from python_docker.spec.digest import Digest
from tests.conda_docker.serve.making.test_served_image import image

ASKED = parse_name("tool").for_channels(["a"])


def other(number: int) -> ServedImage:
    raw = b"%d" % number
    return image(root=Digest.of(raw), documents={Digest.of(raw): StoredDocument("application/json", raw)})


def test_another_process_knows_it_too(tmp_path: Path) -> None:
    Catalogue(CacheFolder(tmp_path / "cache"), "settings").add(ASKED, image())
    known = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    assert known.tagged(ASKED) == image()
    assert known.holding(ASKED, Digest.of(b"layer")) == image()
    assert known.holding(ASKED, Digest.of(b"other")) is None
    assert known.tags(ASKED) == ["latest"]


def test_other_channels_and_other_settings_know_nothing(tmp_path: Path) -> None:
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    catalogue.add(ASKED, image())
    assert catalogue.tagged(ASKED.for_channels(["a", "b"])) is None
    assert Catalogue(CacheFolder(tmp_path / "cache"), "others").tagged(ASKED) is None


def test_what_a_tag_meant_before_is_known_by_its_digest(tmp_path: Path) -> None:
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    for number in range(60):
        catalogue.add(ASKED, other(number))
    assert catalogue.tagged(ASKED) == other(59)
    assert catalogue.holding(ASKED, other(30).root) == other(30)
    assert catalogue.holding(ASKED, other(0).root) is None  # the oldest go


def test_a_day_means_one_image_for_ever_or_nothing(tmp_path: Path) -> None:
    day = parse_name("tool", "2026-01-31").for_channels(["a"])
    Catalogue(CacheFolder(tmp_path / "cache"), "settings").add(day, other(0))
    shutil.rmtree(tmp_path / "cache" / NoteKind.SERVED)
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    assert catalogue.tagged(day) is None
    with pytest.raises(ManifestUnknown, match="which this server no longer has"):
        catalogue.add(day, other(1))
    catalogue.add(day, other(0))
    assert catalogue.tagged(day) == other(0)


def test_an_image_that_a_day_means_is_known_by_its_digest_whatever_its_age(tmp_path: Path) -> None:
    day = parse_name("tool", "2026-01-31").for_channels(["a"])
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    catalogue.add(day, other(0))
    for number in range(1, 60):
        catalogue.add(ASKED, other(number))
    assert catalogue.tagged(day) == catalogue.holding(day, other(0).root) == other(0)


def test_several_servers_may_use_one_cache(tmp_path: Path) -> None:
    servers = [Catalogue(CacheFolder(tmp_path / "cache"), "settings") for _ in range(4)]
    days = [parse_name("tool", f"2026-01-{day:02}").for_channels(["a"]) for day in range(1, 29)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: servers[number % 4].add(days[number], other(number)), range(28)))
    assert [servers[0].tagged(day) for day in days] == [other(number) for number in range(28)]
    assert not list((tmp_path / "cache").rglob("*.lock"))


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    Catalogue(CacheFolder(tmp_path / "cache"), "settings").add(ASKED, image())
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_bytes(b"?")
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    assert catalogue.tagged(ASKED) is None
    assert catalogue.tags(ASKED) == []


def test_recent_images_are_shown_to_those_with_the_same_channels(tmp_path: Path) -> None:
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    catalogue.asked_for(ASKED, image())
    catalogue.asked_for(parse_name("text").for_channels(["b"]), other(1))
    assert catalogue.recent(("a",)) == [(ASKED, image())]


def test_lock_files(tmp_path: Path) -> None:
    catalogue = Catalogue(CacheFolder(tmp_path / "cache"), "settings")
    sha256 = catalogue.add_lock("text", ("a",))
    assert catalogue.lock(sha256, ("a",)) == "text"
    assert catalogue.lock(sha256, ("b",)) is None
    assert catalogue.lock("0" * 64, ("a",)) is None
