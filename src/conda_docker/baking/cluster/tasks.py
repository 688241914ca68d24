"""What workers of a cluster do: one layer, or one image. What comes here is values without credentials."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.baking.cluster.layer_done import KeptEntry, LayerDone
from conda_docker.baking.cluster.profiler import without_profiler
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.works import LayerWork, machine_options
from conda_docker.baking.result import TargetResult
from conda_docker.baking.solving.solution import Solution, open_solution
from conda_docker.baking.targets.target import Target
from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedPackage
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import CacheError, DownloadError, InterpreterNotFound
from conda_docker.package.fetch.find import local_path
from conda_docker.request import Request
from python_docker.errors import AccessDenied, ContentMismatch, Error, NotFound, RegistryError
from python_docker.parallel import Stop
from python_docker.version import __version__

if TYPE_CHECKING:
    from conda_docker.baking.layers.making import Compilers
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.layers.member import Member
    from conda_docker.layers.stores.repository import RepositoryStore
    from conda_docker.resolution.resolve import Resolved
    from python_docker.transports import Location

AnyMember = TypeVar("AnyMember", LockedPackage, LockedWheel)


class TaskFailed(Exception):
    """A task that met an error which may pass, so that it is worth another attempt."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return str(self.failure.error())


@dataclass(frozen=True, slots=True)
class LayerTask:
    """A layer to make, where its packages are public, and where it is to be kept."""

    work: LayerWork
    options: BuildOptions
    insecure: tuple[str, ...]
    bake: str = ""
    release: str = __version__

    @classmethod
    def of(cls, work: LayerWork, target: Target, bake: str = "") -> LayerTask:
        """Return the task of a layer that a target holds, for a bake of that name."""
        members = tuple(map(_public_member, work.members))
        interpreters = work.interpreters
        if interpreters is not None:
            interpreters = replace(interpreters, python=_public(interpreters.python))
        public = LayerWork(work.key, work.recipe, members, interpreters)
        options = machine_options(_portable(target.request.options))
        return cls(public, options, tuple(target.insecure), bake)


@dataclass(frozen=True, slots=True)
class ImageTask:
    """An image to put together of layers that are in the layer repository, and the registries that it goes to.

    Unless it is `whole`, the layers of its packages and base are sent, and the rest is for the machine that bakes.
    """

    target: Target
    solutions: tuple[Solution, ...]
    inputs: str | None
    whole: bool
    digest: str
    """Of all of it, for the key of the task."""
    release: str = __version__

    @classmethod
    def of(cls, target: Target, resolved: Sequence[Resolved], inputs: str | None, *, whole: bool = True) -> ImageTask:
        """Return the task of a target, whose environments are solved: without what is this machine's alone."""
        solutions = tuple(
            Solution(
                _public_environment(each),
                each.base_name,
                None if each.base is None else str(each.base.manifest.digest),
                None if each.base is None else each.base.platform,
            )
            for each in resolved
        )
        public = Target(
            name=target.name,
            # What was asked for is solved, and may name channels by URLs with passwords.
            request=Request(specs=(target.name,), options=replace(_portable(target.request.options), add=())),
            image=target.image,
            outputs=target.outputs,
            insecure=target.insecure,
            annotations=target.annotations,
            source=target.source,
        )
        digest = hashlib.sha256(pickle.dumps((public, solutions, whole))).hexdigest()
        return cls(public, solutions, inputs, whole, digest)


def make_layer(task: LayerTask) -> LayerDone:
    """Have a layer in the layer repository. Raises `TaskFailed` for an error that may pass."""
    from conda_docker.baking.cluster.kept_stores import kept_stores
    from conda_docker.baking.layers.making import Workshop, make_works
    from conda_docker.layers.member import named

    without_profiler()
    work = task.work
    name = named(work.members)
    try:
        _check_release(task.release)
        work = _of_this_machine(work)
        options = _reachable(task.options, task.insecure)
        stores = kept_stores(task.options, options, task.insecure)
        [made] = make_works([work], Workshop(options, stores, _compilers(), workers=1, stop=Stop()))
    except Error as error:
        return LayerDone(work.key, name, failure=_passing_or_not(error))
    if isinstance(made.error, InterpreterNotFound):
        return LayerDone(work.key, name)
    if made.error is not None:
        return LayerDone(work.key, name, failure=_passing_or_not(made.error))
    assert made.layer is not None
    return LayerDone(
        work.key,
        name,
        str(made.layer.digest),
        made.layer.size,
        made.known,
        made.seconds,
        platform.node() or "a worker",
        task.bake,
        entry=KeptEntry.of(made, stores),
    )


def make_image(task: ImageTask, layers: Sequence[LayerDone]) -> TargetResult | Failure | None:
    """Write an image to its registries, or say why it cannot be; of one that is not whole, its layers.

    Raises `TaskFailed` for an error that may pass.
    """
    from conda_docker.baking.assembly import Assembly
    from conda_docker.baking.cluster.kept_stores import kept_stores
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir
    from conda_docker.cache.pushed import PushedBlobs

    without_profiler()
    for layer in layers:
        if layer.failure is not None:
            return layer.failure
    try:
        _check_release(task.release)
        options = _reachable(task.target.request.options, task.target.insecure)
        target = replace(task.target, request=replace(task.target.request, options=options))
        shared = machine_options(task.target.request.options)
        stores = kept_stores(shared, options, tuple(task.target.insecure))
        for layer in layers:
            layer.tell(stores)
        assembly = Assembly(
            Stop(),
            places=PushedBlobs(CacheFolder(default_cache_dir())),
            near=lambda _, place: next((each.destination for each in stores.repositories if _is_in(place, each)), None),
            making=_MAKING,
        )
        resolved = [open_solution(each, target.request) for each in task.solutions]
        if task.whole:
            return assembly.assemble(target, resolved, stores, inputs=task.inputs)
        assembly.send_layers(target, resolved, stores)
        return None
    except Error as error:
        return _passing_or_not(error)


def _is_in(place: Location, repository: RepositoryStore) -> bool:
    reference = place.reference()
    return reference is not None and reference.domain == repository.client.domain


_MAKING = threading.Lock()
_COMPILERS: dict[int, Compilers] = {}
_STARTING = threading.Lock()


def _compilers() -> Compilers:
    """Return the interpreters of this process, which end with it."""
    from conda_docker.baking.layers.making import Compilers

    with _STARTING:
        return _COMPILERS.setdefault(os.getpid(), Compilers())


def _check_release(release: str) -> None:
    if release != __version__:
        raise Error(
            f"a worker has conda-docker {__version__}, and this bake is of {release}: have all of one release; see "
            "--print-dask-worker"
        )


def _of_this_machine(work: LayerWork) -> LayerWork:
    """Return the work with this machine's cache, if the same key comes out here. Raises `Error`."""
    from conda_docker.cache.location import default_cache_dir

    if work.recipe.key(work.members) != work.key:
        raise Error("a worker would write other bytes: it has other versions of the libraries; see --print-dask-worker")
    interpreters = work.interpreters
    if interpreters is None:
        return work
    return replace(work, interpreters=replace(interpreters, cache_dir=default_cache_dir()))


def _passing_or_not(error: Error) -> Failure:
    """Return an error as a value. Raises `TaskFailed` for one that another attempt may not meet."""
    lasting = (ContentMismatch, AccessDenied, NotFound)
    if isinstance(error, (RegistryError, DownloadError, CacheError)) and not isinstance(error, lasting):
        raise TaskFailed(Failure.of(error)) from None
    return Failure.of(error)


def _portable(options: BuildOptions) -> BuildOptions:
    """Return options without what is this machine's: its cache, and how it talks to registries."""
    repositories: dict[str, Any] = {
        name: tuple(LayerRepository(each.reference) for each in getattr(options, name))
        for name in ("cache_from", "cache_to")
    }
    return replace(options, cache_dir=None, use_extracted=False, workers=1, **repositories)


def _reachable(options: BuildOptions, insecure: Sequence[str]) -> BuildOptions:
    """Return options with how this machine talks to the registries of its layer repositories."""
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.reference import ImageReference

    hosts = {host.lower() for host in insecure}

    def reachable(repository: LayerRepository) -> LayerRepository:
        reference = ImageReference.parse(repository.reference)
        own = {reference.domain, reference.api_host}
        return LayerRepository(repository.reference, RegistryOptions.from_environment(insecure=bool(own & hosts)))

    kept = tuple(map(reachable, options.cache_to))
    # What other workers have made is found where they have put it.
    return replace(options, cache_from=(*kept, *map(reachable, options.cache_from)), cache_to=kept)


def _public(member: AnyMember) -> AnyMember:
    """Return a package without credentials, and without where it is on this machine."""
    return replace(member, url=member.public_url, source=None)


def of_this_machine(member: Member) -> bool:
    """Return whether a package is a wheel in a file of this machine, such as a project's.

    Packages of a channel in a folder are not: on a cluster that is a folder which all machines have.
    """
    return isinstance(member, LockedWheel) and local_path(member.url) is not None


def _public_member(member: Member) -> Member:
    if isinstance(member, LockedWheel):
        return _public(member)
    return _public(member)


def _public_environment(resolved: Resolved) -> LockedEnvironment:
    environment = resolved.environment
    return replace(
        environment,
        packages=tuple(map(_public, environment.packages)),
        wheels=tuple(_public(wheel) for wheel in environment.wheels if not of_this_machine(wheel)),
        installed=None,
        pip=None,
    )
