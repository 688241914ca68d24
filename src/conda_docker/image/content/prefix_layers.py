"""The layers of a prefix on this machine, beyond those of its packages; see `conda_docker.prefix`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from conda_docker.build_options import Activate, Bytecode, LinkScripts
from conda_docker.environment.active import FOLDER
from conda_docker.errors import InterpreterNotFound
from conda_docker.image.content.new_layers import NewLayer, NewLayers
from conda_docker.image.plan import do_without
from conda_docker.layers.facts import LayerFacts
from conda_docker.link.bytecode.interpreter import Interpreters, bytecode_version
from conda_docker.prefix.key import layer_key
from conda_docker.prefix.layers import Carried, prefix_layer
from conda_docker.prefix.survey import Share, Survey, survey_prefix
from conda_docker.prefix.survey_notes import notes_of
from conda_docker.provenance.entries import prefix_history
from python_docker.image.layer import Layer
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.plan import ImagePlan
    from conda_docker.layers.stores.folder import FolderStore
    from conda_docker.link.bytecode.compiler import Compiler


LAYERS = ((Share.PIP,), (Share.EDITABLE, Share.CHANGED, Share.OWN))
"""What each layer holds, bottom first: what changes most is last."""


def prefix_layers(plan: ImagePlan, options: BuildOptions, store: FolderStore, created: int) -> NewLayers:
    """Return the layers of what is in the environment's folder beyond its packages, from `store` or made now.

    `created` is the image's time, in seconds since 1970.
    """
    survey = survey_prefix(plan.environment, plan.recipe.filter)
    if survey is None:
        return NewLayers()
    layers, notes = [], [*notes_of(survey), *activation_notes(survey, options.activate)]
    with _Maker(plan, survey, options, store, created) as maker:
        for shares in LAYERS:
            started = time.monotonic()
            found = maker.layer(shares)
            if found is None:
                continue
            notes += found.facts.notes
            numbers = {str(share): len(survey.of(share)) for share in shares if survey.of(share)}
            pip = survey.pip if Share.PIP in shares else ()
            history = prefix_history(numbers, pip, plan.recipe.prefix, rfc3339(created))
            seconds = time.monotonic() - started
            layers.append(NewLayer.of(found.layer, history, cached=found.known, seconds=seconds))
        if maker.uncompiled is not None:
            notes.append(maker.uncompiled)
    return NewLayers(tuple(layers), tuple(notes))


@dataclass(frozen=True, slots=True)
class _PrefixLayer:
    """A layer of a prefix, what was seen in it, and whether it was `known` before."""

    layer: Layer
    facts: LayerFacts
    known: bool


@dataclass(slots=True)
class _Maker:
    """Gives the layers of a survey, from the store or made now. The compiler is started for the first that is made."""

    plan: ImagePlan
    survey: Survey
    options: BuildOptions
    store: FolderStore
    created: int
    uncompiled: str | None = None
    """Why modules are not compiled, once that is known."""
    _compiler: Compiler | None = None
    _started: bool = False

    def __enter__(self) -> _Maker:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._compiler is not None:
            self._compiler.close()

    def layer(self, shares: Sequence[Share]) -> _PrefixLayer | None:
        """Return the layer of the files with these shares, None where there are none."""
        if not self.survey.of(*shares) and not (Share.CHANGED in shares and self.survey.deleted):
            return None
        # Looked up first as if the Python were here: it is not needed for what is known.
        if not self._started and (known := self._known(self._key(shares, self._wanted()))) is not None:
            return _PrefixLayer(*known, known=True)
        compiler = self._compiler_of_all()
        version = None if compiler is None else compiler.python.version
        key = self._key(shares, version)
        if (known := self._known(key)) is not None:
            return _PrefixLayer(*known, known=True)
        carried = Carried()
        with self.store.folder.writing():
            layer = prefix_layer(
                self.survey, shares, self.plan.recipe, compiler, self.created, carried, self.store.blobs.writer()
            )
        if layer is None:
            return None
        facts = LayerFacts(notes=tuple(_carried_notes(carried, str(self.survey.given))))
        # A file may have changed while it was carried: then nobody knows what the layer holds.
        if self._key(shares, version) == key:
            self.store.put(key, layer, facts)
        return _PrefixLayer(layer, facts, known=False)

    def _key(self, shares: Sequence[Share], bytecode: str | None) -> str:
        return layer_key(self.survey, shares, self.plan.recipe, self.created, bytecode)

    def _known(self, key: str) -> tuple[Layer, LayerFacts] | None:
        return self.store.get(key) if self.options.use_cache else None

    def _wanted(self) -> str | None:
        """Return the version of Python that should compile the modules, whether or not it can be had."""
        python = self.plan.environment.python
        if python is None or not self._has_modules() or self.options.bytecode is Bytecode.NEVER:
            return None
        with suppress(InterpreterNotFound):
            return bytecode_version(python)
        return None

    def _compiler_of_all(self) -> Compiler | None:
        """Return a compiler for the modules, started once; None where there are none, or it cannot be had."""
        if not self._started:
            self._started = True
            try:
                self._compiler = self._start()
            except InterpreterNotFound as error:
                self.uncompiled = do_without(error, self.options)
        return self._compiler

    def _start(self) -> Compiler | None:
        environment, options = self.plan.environment, self.options
        interpreters = Interpreters.of(environment, self.store.root, offline=options.offline)
        if interpreters is None or not self._has_modules() or options.bytecode is Bytecode.NEVER:
            return None
        return interpreters.start(bytecode_version(interpreters.python))

    def _has_modules(self) -> bool:
        return any(file.place.endswith(".py") for file in self.survey.files)


def has_run_scripts(environment: LockedEnvironment, options: BuildOptions) -> bool:
    """Return whether what post-link scripts made is among the files of the prefix, so that nothing is missing."""
    copied = environment.installed is not None and environment.installed.whole
    return copied and options.link_scripts is LinkScripts.WARN


def activation_notes(survey: Survey, mode: Activate) -> Iterator[str]:
    """Yield a note of the prefix's own activation scripts: an entrypoint runs them, and nothing else does.

    Unlike those of packages they are in no channel, and whoever verifies an image could not tell what it should set.
    """
    folder = f"{FOLDER}/"
    own = [file.place for file in survey.of(Share.OWN) if file.place.startswith(folder) and file.place.endswith(".sh")]
    if own and mode is Activate.AUTO:
        names = ", ".join(place.removeprefix(folder) for place in own)
        yield (
            f"activation scripts that no package brings are copied, and run by an entrypoint alone: {names}; "
            "--activate entrypoint makes sure of one"
        )


def _carried_notes(carried: Carried, prefix: str) -> Iterator[str]:
    shorter = "which is shorter than the prefix in the image"
    for places, one, many in (
        (carried.unrewritten, f"still names {prefix}, {shorter}", f"still name {prefix}, {shorter}"),
        (
            carried.outside,
            "leads out of the environment, to what may not be in the image",
            "lead out of the environment, to what may not be in the image",
        ),
        (
            carried.elsewhere,
            "depends on what is outside of the environment, and may not be in the image",
            "depend on what is outside of the environment, and may not be in the image",
        ),
        (
            carried.uncompiled,
            "has no .pyc file, since it does not compile",
            "have no .pyc file, since they do not compile",
        ),
    ):
        if places:
            yield f"{first_of(sorted(places), 3)} {one if len(places) == 1 else many}"
