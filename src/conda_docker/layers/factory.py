"""LayerFactory: makes the layers of one environment, with its cache, downloads, interpreter and options."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import Bytecode
from conda_docker.errors import InterpreterNotFound
from conda_docker.layers.cache import writing_cache
from conda_docker.layers.clobbers import find_losses, remember_losses, remembered_losses
from conda_docker.layers.make import MadeLayer, look_up, make_missing
from conda_docker.layers.member import Member, has_modules_to_compile
from conda_docker.layers.recipe import Recipe
from conda_docker.package.index_cache import IndexCache
from conda_docker.pypi.locked import LockedWheel
from python_docker.layer import Layer
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.layers.cache import LayerCache
    from conda_docker.layers.clobbers import Losses
    from conda_docker.layers.write import LayerWriting
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.bytecode.interpreter import Interpreter
    from python_docker.spec.digest import Digest


class LayerFactory:
    """Makes the layers of plans for one environment.

    `interpreter` is what compiles modules (None: nothing does): what was expected first, what did once `make` returned.
    """

    def __init__(
        self,
        environment: LockedEnvironment,
        prefix: str,
        options: BuildOptions,
        cache: LayerCache,
        interpreter: Interpreter | None,
        progress: Progress = SILENT,
    ) -> None:
        self._python = environment.python
        self._replaced = environment.replaced
        self._prefix = prefix
        self._options = options
        self._cache = cache
        self._progress = progress
        self.interpreter = interpreter

    def make(
        self, plan: Sequence[Sequence[Member]], *, read_cache: bool, lost: Losses | None = None
    ) -> list[MadeLayer]:
        """The layers of a plan, in its order, each package without what it has `lost` to another.

        Raises `DownloadError`, `InvalidPackage`, `CacheError`.
        """
        found = self._look_up(plan, read_cache, lost)
        missing = [package for group, layer in zip(plan, found, strict=True) if layer is None for package in group]
        if not missing:
            return [layer for layer in found if layer is not None]
        with self._compiler(missing) as (compiler, changed):
            if changed:
                found = self._look_up(plan, read_cache, lost)
            return make_missing(
                plan,
                found,
                self._recipe(),
                self._cache,
                fetch=self._fetch,
                write=self._writing(compiler, lost).write,
                lost=lost,
                workers=self._workers,
                progress=self._progress,
            )

    def losses(self, packages: Sequence[Member]) -> Losses:
        """What each of `packages`, in topological order, loses to a later one. Remembered: a second call reads none.

        What a wheel replaces of a conda package is lost too, whether the wheel has these files or not.
        """
        replaced = {
            package.stem: sorted(
                distribution.name for distribution in self._replaced if distribution.package == package.stem
            )
            for package in packages
        }
        key = self._recipe().key(packages, replaced={stem: names for stem, names in replaced.items() if names})
        known = remembered_losses(self._cache.root, key)
        if known is not None:
            return known
        from conda_docker.layers.member import open_member

        paths: dict[str, list[str]] = {}
        gone: dict[str, frozenset[str]] = {}
        with self._compiler(packages) as (compiler, _):
            writing = self._writing(compiler, None)
            for package, path in self._fetch(packages):
                opened = open_member(package, path)
                installed = writing.installed(opened)
                gone[package.stem] = writing.replaced(opened, installed, replaced[package.stem])
                paths[package.stem] = [place for place in installed if place not in gone[package.stem]]
        found = find_losses([paths[package.stem] for package in packages])
        losses = {
            package.stem: lost | gone[package.stem]
            for package, lost in zip(packages, found, strict=True)
            if lost or gone[package.stem]
        }
        remember_losses(self._cache.root, key, losses)
        return losses

    @contextmanager
    def _compiler(self, packages: Sequence[Member]) -> Iterator[tuple[Compiler | None, bool]]:
        """What compiles modules of these packages, and whether it is another Python than was expected."""
        if self.interpreter is None or not any(map(has_modules_to_compile, packages)):
            yield None, False
            return
        compiler = None
        changed = False
        if self.interpreter.version is not None:
            try:
                with writing_cache(self._cache.root):
                    compiler = self.interpreter.start(self._cache.root, self._fetch_one)
            except InterpreterNotFound as error:
                if self.interpreter.mode is Bytecode.ALWAYS:
                    raise
                self.interpreter = replace(self.interpreter, version=None, problem=str(error))
                changed = True
        try:
            yield compiler, changed
        finally:
            if compiler is not None:
                compiler.close()

    @property
    def _workers(self) -> int:
        return self._options.workers or os.cpu_count() or 1

    def _look_up(
        self, plan: Sequence[Sequence[Member]], read_cache: bool, lost: Losses | None
    ) -> list[MadeLayer | None]:
        if not read_cache:
            return [None] * len(plan)
        options = self._options
        extracted = options.use_extracted or options.offline
        found = look_up(plan, self._recipe(), self._cache, extracted=extracted, lost=lost)
        return [None if made is None else self._replaceable(made, lost) for made in found]

    def _replaceable(self, made: MadeLayer, lost: Losses | None) -> MadeLayer:
        """A layer of the cache, which is made again when it turns out to be damaged there."""

        def make_again() -> Digest:
            [again] = self.make([made.packages], read_cache=False, lost=lost)
            return again.layer.digest

        return replace(made, layer=Layer(made.layer.blob.replaced_by(make_again), made.layer.diff_id))

    def _recipe(self) -> Recipe:
        options, python = self._options, self._python
        return Recipe(
            prefix=self._prefix,
            python=None
            if python is None
            else (python.version.rpartition(".")[0], python.python_site_packages_path or ""),
            compiler=self.interpreter.version if self.interpreter is not None else None,
            compression=options.compression,
            level=options.compression_level,
            trim=options.trim,
            exclude=options.exclude,
        )

    def _writing(self, compiler: Compiler | None, lost: Losses | None) -> LayerWriting:
        from conda_docker.layers.write import LayerWriting
        from conda_docker.link.filter import FileFilter
        from conda_docker.link.prefix import Prefix

        options, python = self._options, self._python
        return LayerWriting(
            self._cache.blobs,
            Prefix(
                self._prefix,
                None if python is None else python.version,
                None if python is None else python.python_site_packages_path,
            ),
            FileFilter(options.trim, options.trim, options.exclude),
            compiler,
            options.compression,
            options.compression_level,
            lost,
        )

    def _fetch(self, packages: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        from conda_docker.package.fetch import fetch_packages
        from conda_docker.pypi.pip_cache import with_cached

        wheels = [member for member in packages if isinstance(member, LockedWheel)]
        return fetch_packages(
            [*(member for member in packages if not isinstance(member, LockedWheel)), *with_cached(wheels)],
            self._cache.root,
            offline=self._options.offline,
            extracted=self._options.use_extracted,
            workers=max(4, self._workers),
            progress=self._progress,
        )

    def _fetch_one(self, package: LockedPackage) -> Path:
        return next(path for _, path in self._fetch([package]))


def complete_environment(
    environment: LockedEnvironment, cache_dir: Path, *, offline: bool = False, progress: Progress = SILENT
) -> LockedEnvironment:
    """The environment with all that is not known of its packages taken from the packages themselves, in order.

    Explicit lists do not tell what a package depends on. What was learned once is remembered, so that a second build
    reads no package. Raises `DownloadError` and `InvalidPackage`.
    """
    unknown = [package for package in environment.packages if not package.complete]
    if not unknown:
        return environment
    from conda_docker.layers.write import archive_hashes
    from conda_docker.package.archive import open_package
    from conda_docker.package.fetch import fetch_packages

    cache = IndexCache(cache_dir)
    known = {package.url: index for package in unknown if (index := cache.get(package)) is not None}
    wanted = [package for package in unknown if package.url not in known]
    for package, path in fetch_packages(wanted, cache_dir, offline=offline, progress=progress) if wanted else ():
        index = dict(open_package(path).metadata.index)
        if path.is_file():
            index |= archive_hashes(path)
        cache.put(package, index)
        known[package.url] = index
    packages = []
    for package in environment.packages:
        if not package.complete:
            index = known[package.url]
            checked = {key: index[key] for key in ("sha256", "md5", "size") if key in index}
            package = package.with_index(index, **checked)  # noqa: PLW2901
        packages.append(package)
    return environment.with_packages(tuple(packages))
