"""Blobs are called in progress what made them."""

from __future__ import annotations

from collections.abc import Mapping

from python_docker.copying.names import name_blobs
from python_docker.progress import SILENT, Progress, Task
from tests.python_docker.in_memory import Heard
from tests.python_docker.registry.contents import small_image


class Naming:
    """Progress that takes names."""

    def __init__(self) -> None:
        self.names: Mapping[str, str] = {}

    def name(self, names: Mapping[str, str]) -> None:
        self.names = names

    def start(self, label: str, total: int | None) -> Task:
        return SILENT.start(label, total)


def test_every_blob_of_an_image_has_a_name() -> None:
    image, naming = small_image("x"), Naming()
    progress: Progress = naming
    name_blobs(progress, image.manifest, image.config_file)
    assert len(naming.names) == 2 + len(image.layers)
    assert naming.names[image.manifest.digest.short] == "manifest"
    assert naming.names[image.manifest.config.digest.short] == "config"


def test_progress_that_takes_no_names_hears_nothing() -> None:
    heard = Heard()
    name_blobs(heard, small_image("x").manifest, small_image("x").config_file)
    assert not heard.totals
