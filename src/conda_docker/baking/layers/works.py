"""LayerWork: one distinct layer, and the images that hold it: what hundreds of environments have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.cache.location import default_cache_dir
from conda_docker.image.base.reading import read_base_system
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.plan import ImagePlan, plan_image
from conda_docker.layers.made import Group
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.interpreter import Interpreters

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.resolution.resolve import Resolved


@dataclass(frozen=True, slots=True)
class LayerWork:
    """A layer of packages by itself, whatever environments it is in.

    `interpreters` say where the Python is had that compiles its modules; None where there are none to compile.
    """

    key: str
    recipe: Recipe
    members: Group
    interpreters: Interpreters | None = None

    @property
    def size(self) -> int:
        """The bytes of those of its packages' archives whose sizes are known."""
        return sum(member.size or 0 for member in self.members)

    def without_bytecode(self) -> LayerWork:
        """Return the layer in which no modules are compiled."""
        recipe = self.recipe.without_bytecode()
        key = recipe.key(self.members)
        assert key is not None
        return LayerWork(key, recipe, self.members)


def plan_of(resolved: Resolved, options: BuildOptions) -> ImagePlan:
    """Return how an environment goes on its base. Raises what `plan_image` raises."""
    base = resolved.base
    cache_dir = options.cache_dir or default_cache_dir()
    system = BaseSystem() if base is None else read_base_system(base, cache_dir)
    return plan_image(resolved.environment, base, system, options)


def works_of(plan: ImagePlan, options: BuildOptions) -> Iterator[LayerWork]:
    """Yield the layers of a plan that other images may have too.

    Packages without a SHA-256 have no key, and are left to the image that holds them; so is what packages lose to
    others, which is known only when all layers of the image are there.
    """
    cache_dir = options.cache_dir or default_cache_dir()
    interpreters = Interpreters.of(plan.environment, cache_dir, offline=options.offline)
    for group in plan.layers.groups:
        members = tuple(group)
        key = plan.recipe.key(members)
        if key is not None:
            compiles = plan.recipe.compiles(members)
            yield LayerWork(key, plan.recipe, members, interpreters if compiles else None)


def largest_first(works: Iterable[LayerWork]) -> list[LayerWork]:
    """Return each layer once, the most work first: begun last, a large one would be awaited alone."""
    from conda_docker.layers.making.arrivals import work_of

    distinct = {work.key: work for work in works}
    return sorted(distinct.values(), key=lambda work: (-work_of(work.members), work.key))


def distinct_packages(works: Sequence[LayerWork]) -> int:
    """Return how many packages there are in some layers, each once."""
    return len({(member.stem, member.sha256) for work in works for member in work.members})


def machine_options(options: BuildOptions) -> BuildOptions:
    """Return what of the options says how this machine works, and nothing of what becomes of it."""
    from conda_docker.build_options import BuildOptions

    return BuildOptions(
        cache_dir=options.cache_dir,
        use_cache=options.use_cache,
        offline=options.offline,
        use_extracted=options.use_extracted,
        cache_from=options.cache_from,
        cache_to=options.cache_to,
        verify_cache=options.verify_cache,
        workers=options.workers,
    )
