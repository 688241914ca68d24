"""EnvironmentRebuild: the layers of one environment of an image, made again from what its history says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions
from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.location import default_cache_dir
from conda_docker.errors import DownloadError, InterpreterNotFound
from conda_docker.image.build_record import BuildRecord
from conda_docker.image.plan import members_of, replaced_by_wheels
from conda_docker.layers.fetching import fetching
from conda_docker.layers.make import make_layers
from conda_docker.layers.plan import LayerPlan
from conda_docker.layers.recipe import LAYER_FORMAT
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.link.bytecode.interpreter import Interpreters
from conda_docker.package.fetch.complete import complete_environment
from conda_docker.redaction import public_url
from conda_docker.verification.compare import compare
from conda_docker.verification.own_layer import own_layer
from conda_docker.verification.report import LayerVerdict, Outcome, verdict_on
from conda_docker.verification.script_layer import script_layer
from conda_docker.verification.steps import BuiltEnvironment, Step
from conda_docker.verification.unverified import is_from_project
from python_docker.errors import Error, InvalidDocument
from python_docker.image import Image
from python_docker.progress import Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.layers.made import MadeLayer
    from conda_docker.layers.member import Member
    from conda_docker.layers.recipe import Recipe
    from python_docker.image.layer import Layer


@dataclass(frozen=True, slots=True)
class EnvironmentRebuild:
    """One environment of an image, to be made again."""

    image: Image
    built: BuiltEnvironment
    options: BuildOptions
    read_layers: bool
    progress: Progress
    activation: dict[int, Sequence[str]] = field(default_factory=dict)
    """The activation scripts in the layers that were made again, by their positions."""

    @property
    def record(self) -> BuildRecord:
        """How the layers were made; what an image of an earlier release does not say is taken to be as by default."""
        return BuildRecord.from_json(self.built.installed.build) or BuildRecord(
            compression=self.built.groups[0].layer.compression
        )

    @property
    def cache(self) -> CacheFolder:
        return CacheFolder(self.options.cache_dir or default_cache_dir())

    def verdicts(self, wanted: Collection[int], *, own: bool) -> dict[int, LayerVerdict]:
        """Return the verdicts on the layers at the positions `wanted`, and with `own` on the environment's own."""
        groups = [step for step in self.built.groups if step.position in wanted]
        found: dict[int, LayerVerdict] = {}
        if groups:
            found = self._packages(groups)
        if own and self.built.own is not None:
            found[self.built.own.position] = self._own(self.built.own)
        return found

    def _packages(self, groups: Sequence[Step]) -> dict[int, LayerVerdict]:
        environment = self.built.locked()
        unknown = {member.stem for member in members_of(environment) if not (member.sha256 or member.md5)}
        refused = {
            step.position: replace(
                verdict_on(step, Outcome.UNVERIFIED, f"the history has no hash of {', '.join(stems)}"), excusable=False
            )
            for step in groups
            if (stems := sorted(unknown & {member.stem for member in _members(step, environment)}))
        }
        groups = [step for step in groups if step.position not in refused]
        everything = self.built.groups
        try:
            return refused | self._compared(groups, everything, environment)
        except (DownloadError, InterpreterNotFound):
            # Some package is not available: find out which, and make the layers of the others.
            problems = {step.position: self._problem(step, environment) for step in everything}
        lost = {
            step.position: verdict_on(step, Outcome.UNVERIFIED, f"it cannot be made: {problem}")
            for step in groups
            if (problem := problems[step.position]) is not None
        }
        rest = [step for step in everything if problems[step.position] is None]
        chosen = [step for step in groups if step.position not in lost]
        compared = self._compared(chosen, rest, environment)
        return refused | lost | {position: _doubtful(verdict) for position, verdict in compared.items()}

    def _problem(self, step: Step, environment: LockedEnvironment) -> str | None:
        """Return why the layer of some packages cannot be made here."""
        if any(is_from_project(package) for package in step.packages):
            return "its wheel was built from a project on the building machine, and is in no index"
        try:
            self._make([step], environment)
        except (DownloadError, InterpreterNotFound) as error:
            return str(error)
        return None

    def _compared(
        self, groups: Sequence[Step], everything: Sequence[Step], environment: LockedEnvironment
    ) -> dict[int, LayerVerdict]:
        """Make the layers of `groups`, and of `everything` where these may have lost paths to others."""
        if not groups:
            return {}
        made = self._make(groups, environment)
        others = {step.position for step in groups if step.layer.diff_id != made[step.position].layer.diff_id}
        if others and len(groups) < len(everything):
            again = self._make(everything, environment)
            made |= {position: layer for position, layer in again.items() if position in others}
        self.activation.update({step.position: made[step.position].facts.activate for step in groups})
        return {step.position: self._judged(step, made[step.position].layer, made[step.position]) for step in groups}

    def _make(self, groups: Sequence[Step], environment: LockedEnvironment) -> dict[int, MadeLayer]:
        cache = self.cache
        names = {package.name for step in groups for package in step.packages if not package.is_wheel}
        python = environment.python
        chosen = tuple(package for package in environment.packages if package.name in names or package is python)
        some = complete_environment(
            environment.with_packages(chosen), cache.root, offline=self.options.offline, progress=self.progress
        )
        plan = [_members(step, some) for step in groups]
        stems = {member.stem for group in plan for member in group}
        ordered = [member for member in members_of(some) if member.stem in stems]
        replaced = {stem: names for stem, names in replaced_by_wheels(environment).items() if stem in stems}
        made: dict[int, MadeLayer] = {}
        for layer in make_layers(
            LayerPlan(plan, ordered, replaced),
            self._recipe(some),
            LayerStores(FolderStore(cache.root)),
            fetching(self.options, cache, progress=self.progress),
            interpreters=Interpreters.of(some, cache.root, offline=self.options.offline),
            workers=self.options.workers or 2,
            progress=self.progress,
        ):
            made[groups[layer.position].position] = layer
        return made

    def _recipe(self, environment: LockedEnvironment) -> Recipe:
        python = environment.python
        version = None if python is None else python.version
        site_packages = None if python is None else python.python_site_packages_path
        return self.record.recipe(self.built.installed.prefix, version, site_packages)

    def _own(self, step: Step) -> LayerVerdict:
        """Make the environment's own layer, which takes no package but what the history says."""
        lower = list(reversed(self.image.layers))[: step.position]
        try:
            environment = self._complete()
            anew = own_layer(
                self.built,
                environment,
                self._recipe(environment),
                self.record,
                lower,
                self.activation,
                platform=self.image.platform,
                cache_dir=self.cache.root,
            )
        except Error as error:
            return verdict_on(step, Outcome.UNVERIFIED, f"it cannot be made: {error}")
        return self._judged(step, anew)

    def scripts(self, variables: Callable[[], Mapping[str, str]], *, last: bool) -> LayerVerdict:
        """Return the verdict on the layer of link scripts, which run again with the `variables` of the base."""
        step = self.built.scripts
        assert step is not None
        try:
            if not last:
                raise Error("the image does not say which image this environment was built on")
            environment = self._complete()
            anew = script_layer(
                step,
                environment,
                self._recipe(environment),
                self.record,
                list(reversed(self.image.layers))[: step.position],
                variables(),
                created=self.built.created,
                platform=self.image.platform,
            )
        except Error as error:
            return verdict_on(step, Outcome.UNVERIFIED, f"it cannot be made: {error}")
        return self._judged(step, anew)

    def _complete(self) -> LockedEnvironment:
        return complete_environment(
            self.built.locked(), self.cache.root, offline=self.options.offline, progress=self.progress
        )

    def _judged(self, step: Step, anew: Layer, made: MadeLayer | None = None) -> LayerVerdict:
        # What comes from extracted folders is in another order than in archives, there or here.
        any_order = made is not None and (made.extracted or self.record.extracted)
        outcome, reason, found = compare(step.layer, anew, read=self.read_layers, any_order=any_order)
        if outcome is Outcome.DIFFERENT and (excuse := self._excuse(step)) is not None:
            outcome, reason = Outcome.UNVERIFIED, f"{excuse}; {reason}"
        return verdict_on(step, outcome, reason, found)

    def _excuse(self, step: Step) -> str | None:
        """Return why a layer need not be what this release makes of its packages."""
        from conda_docker.image.build_record import ENVIRONMENT_FORMAT

        record = BuildRecord.from_json(self.built.installed.build)
        if record is None:
            return "the image does not say how it was made (it is from an earlier release)"
        if step.kind == "environment" and record.environment_format != ENVIRONMENT_FORMAT:
            return "another release made it, by other rules for an environment's own layer"
        if step.kind == "packages" and record.layer_format != LAYER_FORMAT:
            return f"a release with layer format {record.layer_format} made it, and this one has {LAYER_FORMAT}"
        return None


def _doubtful(verdict: LayerVerdict) -> LayerVerdict:
    """Return a verdict that allows for packages that are not available: they may win paths of others."""
    if verdict.outcome is not Outcome.DIFFERENT or any("different content" in found for found in verdict.differences):
        return verdict
    reason = f"packages that are not available may share paths with it; {verdict.reason}"
    return replace(verdict, outcome=Outcome.UNVERIFIED, reason=reason)


def _members(step: Step, environment: LockedEnvironment) -> list[Member]:
    """Return the packages of a layer, in its order. Raises `InvalidDocument` for a URL that no build writes."""
    by_url: Mapping[str, Member] = {member.public_url: member for member in members_of(environment)}
    for package in step.packages:
        if package.url not in by_url:
            raise InvalidDocument(
                f"the image's history names the package {package.name} by a URL that cannot be used: it has more than "
                f"{public_url(package.url)}, such as credentials or a token, which this program writes into no image"
            )
    return [by_url[package.url] for package in step.packages]
