"""Making the layers of a plan: from the cache where it has them, else from packages, in parallel."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.layers.cache import LayerCache, writing_cache
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.member import Member, has_modules_to_compile
from conda_docker.layers.recipe import Recipe
from python_docker.layer import Layer
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.layers.clobbers import Losses

Group = tuple[Member, ...]
Fetch = Callable[[Sequence[Member]], Iterable[tuple[Member, Path]]]
Write = Callable[[Group, Sequence[Path], Callable[[int], object]], tuple[Layer, LayerFacts]]

# A package of pure Python takes this many times as long as another of its size: its modules are byte-compiled.
_COMPILING = 8


@dataclass(frozen=True, slots=True)
class MadeLayer:
    """A layer of packages, what is known of it, and whether it was there already; `seconds` that making it took.

    `extracted` tells that some of its packages were read from extracted folders.
    """

    packages: Group
    layer: Layer
    facts: LayerFacts
    cached: bool
    seconds: float = 0.0
    extracted: bool = False


def look_up(
    plan: Sequence[Sequence[Member]],
    recipe: Recipe,
    cache: LayerCache,
    *,
    extracted: bool = False,
    lost: Losses | None = None,
) -> list[MadeLayer | None]:
    """The layers of `plan` that `cache` has, None for the others; with `extracted` those from extracted folders too."""
    return [_cached(tuple(packages), recipe, cache, extracted, lost) for packages in plan]


def _cached(group: Group, recipe: Recipe, cache: LayerCache, extracted: bool, lost: Losses | None) -> MadeLayer | None:
    for from_folders in (False, True)[: 1 + extracted]:
        key = recipe.key(group, extracted=from_folders, lost=lost)
        found = cache.get(key) if key is not None else None
        if found is not None:
            return MadeLayer(group, *found, cached=True, extracted=from_folders)
    return None


def make_missing(
    plan: Sequence[Sequence[Member]],
    found: Sequence[MadeLayer | None],
    recipe: Recipe,
    cache: LayerCache,
    *,
    fetch: Fetch,
    write: Write,
    lost: Losses | None = None,
    workers: int = 1,
    progress: Progress = SILENT,
) -> list[MadeLayer]:
    """The layers of `plan`, in its order: those `found`, and the others, which are made and kept in `cache`.

    `fetch` gives packages with their archives or folders as they become available, in any order; `write` writes the
    layer of some, without what they have `lost` to others, and is called in up to `workers` threads.
    """
    groups = [tuple(packages) for packages in plan]
    made = list(found)
    missing = [number for number, layer in enumerate(made) if layer is None]
    if not missing:
        return [layer for layer in made if layer is not None]
    arrived = _Arrived()

    def make_next() -> tuple[int, MadeLayer]:
        number, paths = arrived.take()
        group = groups[number]
        started = time.monotonic()
        task = progress.start(_label(group), None)
        with writing_cache(cache.root):
            layer, facts = write(group, paths, task.advance)
        extracted = any(path.is_dir() for path in paths)
        key = recipe.key(group, extracted=extracted, lost=lost)
        if key is not None:
            cache.put(key, layer, facts)
        task.finish()
        return number, MadeLayer(group, layer, facts, False, time.monotonic() - started, extracted)

    with ThreadPoolExecutor(workers, thread_name_prefix="layer") as pool:
        futures: list[Future[tuple[int, MadeLayer]]] = []
        try:
            for number, paths in _complete(groups, missing, fetch):
                arrived.put(number, paths, _work(groups[number]))
                futures.append(pool.submit(make_next))
                _raise_errors(future for future in futures if future.done())
            for future in futures:
                number, layer = future.result()
                made[number] = layer
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return [layer for layer in made if layer is not None]


def _label(group: Group) -> str:
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"layer {group[0].name}{more}"


def _complete(groups: Sequence[Group], missing: Sequence[int], fetch: Fetch) -> Iterator[tuple[int, list[Path]]]:
    """The numbers of groups whose packages have all arrived, with where they are."""
    group_of = {package.stem: number for number in missing for package in groups[number]}
    arrived: dict[int, dict[str, Path]] = {number: {} for number in missing}
    for package, path in fetch([package for number in missing for package in groups[number]]):
        number = group_of[package.stem]
        arrived[number][package.stem] = path
        if len(arrived[number]) == len(groups[number]):
            yield number, [arrived[number][member.stem] for member in groups[number]]


def _work(group: Group) -> int:
    """How long writing the layer of some packages takes, beside others; about in bytes of archives."""
    return sum((package.size or 0) * (_COMPILING if has_modules_to_compile(package) else 1) for package in group)


class _Arrived:
    """The groups that can be written, by their numbers, each with where its packages are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[int, int, Sequence[Path]]] = []

    def put(self, number: int, paths: Sequence[Path], work: int) -> None:
        with self._lock:
            heapq.heappush(self._heap, (-work, number, paths))

    def take(self) -> tuple[int, Sequence[Path]]:
        """The group of those put and not taken yet that is the most work: begun last, it would be awaited alone."""
        with self._lock:
            _, number, paths = heapq.heappop(self._heap)
        return number, paths


def _raise_errors(futures: Iterable[Future[tuple[int, MadeLayer]]]) -> None:
    for future in futures:
        future.result()
