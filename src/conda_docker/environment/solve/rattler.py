"""Solving: from match specs and channels to exact packages, with rattler."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from conda_docker.bounded.calls import bounded_call
from conda_docker.bounded.process import TookTooMuch
from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration
from conda_docker.channels.rattler_engine import run
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.packages.topological_order import topological_order
from conda_docker.environment.solve.errors import explain, failed_for_another, is_damage, rattler_errors, took_too_much
from conda_docker.environment.solve.kept import by_url, kept_record, with_kept
from conda_docker.environment.solve.match_specs import RequestedSpec, match_spec
from conda_docker.environment.solve.passed_over import CUDA, passed_over
from conda_docker.environment.solve.question import Question, gateway_of, question_of
from conda_docker.environment.solve.request import SolveRequest
from conda_docker.environment.virtual_packages import VirtualPackage
from conda_docker.errors import Unsolvable, WrongPackage
from conda_docker.redaction import public_url
from python_docker.errors import Error

if TYPE_CHECKING:
    from rattler import Gateway, GenericVirtualPackage, RepoDataRecord
    from rattler.solver.solver import SolveStrategy

    from conda_docker.environment.solve.repodata.read_ahead import ReadAhead
    from conda_docker.environment.solve.repodata.salvage import SalvagedChannel


def solve(
    request: SolveRequest, configuration: CondaConfiguration | None = None, *, ahead: ReadAhead | None = None
) -> LockedEnvironment:
    """Return the packages that satisfy what is asked for together.

    `configuration` is conda's (None: the user's). A channel that only a spec names (`channel::package`) comes last.
    `ahead` is of the same request and configuration, but for virtual packages. Indexes are read in a process whose
    memory is bounded: rattler bounds neither what they unfold to nor what they say.

    Raises `Unsolvable` with the solver's explanation, `ChannelError` for a channel that is missing, closed or damaged,
    `InvalidEnvironment` for a spec that cannot be understood, `SolverFailed` where that takes too much memory, and
    `CacheError`.

        assumed = virtual_packages("linux-64", glibc="2.36")
        environment = solve(SolveRequest(specs=("numpy >=2",), subdir="linux-64", virtual_packages=assumed))
    """
    try:
        if ahead is not None:
            return ahead.then(solve_here, request)
        return bounded_call(solve_here, request, configuration or read_conda_configuration())
    except TookTooMuch as error:
        raise took_too_much(request.channels) from error


def solve_here(request: SolveRequest, configuration: CondaConfiguration) -> LockedEnvironment:
    """Return what `solve` returns, in this process, which may end if an index takes too much memory."""
    question = question_of(request, configuration)
    records, warnings = _answer(question)
    kept = by_url(question.preferred)
    chosen = (with_kept(_package(record), kept) for record in records)
    return LockedEnvironment(
        subdir=request.subdir,
        packages=tuple(topological_order(_with_hash(package, question.requested) for package in chosen)),
        requested=tuple(spec.text for spec in question.requested),
        channels=tuple(map(public_url, question.channels)),
        warnings=warnings,
    )


def _with_hash(package: LockedPackage, requested: Sequence[RequestedSpec]) -> LockedPackage:
    """Return a package with the hash that was asked for with its URL. No index says the hash of such a package."""
    spec = next((spec for spec in requested if spec.is_archive and spec.spec == package.url), None)
    if spec is None:
        return package
    for asked, known in ((spec.sha256, package.sha256), (spec.md5, package.md5)):
        if None not in (asked, known) and asked != known:
            raise WrongPackage(f"{package.public_url} is not the package that was asked for: its hash is {known}")
    return replace(
        package, sha256=package.sha256 or spec.sha256, md5=package.md5 or spec.md5, complete=package.sha256 is not None
    )


def _answer(question: Question) -> tuple[list[RepoDataRecord], tuple[str, ...]]:
    """Return the packages, and warnings about the channels. Raises what `solve` raises."""
    try:
        return _solved(question)
    except rattler_errors() as error:
        if not _refused_shards(str(error)):
            return _recover(error, question, sharded=True)
    try:
        return _solved(question, sharded=False)
    except rattler_errors() as error:
        return _recover(error, question, sharded=False)


def _solved(question: Question, *, sharded: bool = True) -> tuple[list[RepoDataRecord], tuple[str, ...]]:
    try:
        return _solved_by(question, gateway_of(question, sharded=sharded))
    except rattler_errors() as error:
        if not failed_for_another(error):
            raise
    return _solved_by(question, gateway_of(question, sharded=sharded, alone=True))


def _solved_by(question: Question, way: Gateway) -> tuple[list[RepoDataRecord], tuple[str, ...]]:
    records = _solve(question, way)
    if CUDA in question.removed:
        return records, ()
    asked = question.requested, records, question.channels, question.subdir, question.virtual_packages
    return records, passed_over(*asked, way)


def _recover(error: Exception, question: Question, *, sharded: bool) -> tuple[list[RepoDataRecord], tuple[str, ...]]:
    """Return the packages without the broken records that are to blame.

    Raises the error, explained, if there are none.
    """
    if type(error).__name__ == "AuthenticationStorageError":
        raise explain(error, question.channels, question.subdir) from error  # no gateway can be made
    way = gateway_of(question, sharded=sharded, alone=True)
    blamed = [url for url in question.channels if _is_damaged(url, question, way)] if is_damage(error) else []
    salvaged = _salvage(blamed, question)
    if not salvaged:
        raise _explain(error, question, way, blamed) from error
    try:
        return _solve(question, way, salvaged), _warnings(salvaged)
    except rattler_errors() as second:
        explained = explain(second, question.channels, question.subdir)
        raise type(explained)("\n".join([*_warnings(salvaged), str(explained)])) from second


def _salvage(urls: Sequence[str], question: Question) -> Mapping[str, SalvagedChannel]:
    """Return the channels of which something can be read, by their URLs with a slash at the end."""
    if not urls or question.offline:
        return {}
    from conda_docker.channels.rattler_client import rattler_client
    from conda_docker.environment.solve.repodata.salvage import salvage_channel

    client = rattler_client(question.config)
    found = (salvage_channel(url, (question.subdir, "noarch"), client) for url in urls)
    return {channel.url: channel for channel in found if channel is not None}


def _warnings(salvaged: Mapping[str, SalvagedChannel]) -> tuple[str, ...]:
    if not salvaged:
        return ()
    from conda_docker.environment.solve.repodata.salvage import warning_of

    return tuple(warning for channel in salvaged.values() if (warning := warning_of(channel)))


def _explain(error: Exception, question: Question, way: Gateway, blamed: Sequence[str]) -> Error:
    explained = explain(error, question.channels, question.subdir, blamed=blamed)
    if not isinstance(explained, Unsolvable):
        return explained
    from conda_docker.environment.solve.suggestions import suggestions

    lines = _configured(question, str(explained))
    try:
        lines += suggestions(question.requested, question.channels, question.subdir, way)
    except rattler_errors():
        pass
    return Unsolvable("\n".join([*lines, str(explained)])) if lines else explained


def _configured(question: Question, explanation: str) -> list[str]:
    """Return what conda's configuration has to do with an explanation, a line for each setting."""
    names = set(re.findall(r"[\w.-]+", explanation))
    pinned = [spec.text for spec in question.pinned if spec.name in names]
    lines = [f"pinned_packages of the conda configuration: {', '.join(pinned)}"] if pinned else []
    if question.exclude_newer is not None and question.undated:
        moment = question.exclude_newer.isoformat(timespec="seconds")
        lines.append(f"exclude_newer of the conda configuration: nothing that was published after {moment} counts")
    return lines


def _is_damaged(url: str, question: Question, way: Gateway) -> bool:
    """Return whether the index of a channel cannot be understood: rattler does not say which one it is."""
    import rattler

    platforms = [rattler.Subdir(question.subdir), rattler.Subdir("noarch")]
    names = [spec.name for spec in question.requested]
    try:
        run(lambda: way.query([rattler.Channel(url)], platforms, names, channel_relations="disabled"))
    except rattler_errors() as error:
        return is_damage(error)
    return False


def _solve(
    question: Question, way: Gateway, salvaged: Mapping[str, SalvagedChannel] | None = None
) -> list[RepoDataRecord]:
    import rattler
    from rattler import ChannelPriority

    specs, constraints = (
        [match_spec(_from_one_channel(spec, way, question.subdir), spec.text) for spec in listed]
        for listed in (question.requested, (*question.constraints, *question.pinned))
    )
    preferred = [kept_record(package) for package in question.preferred]
    assumed = [_generic(package) for package in question.virtual_packages]
    return run(
        lambda: rattler.solve(
            [(salvaged or {}).get(f"{url.rstrip('/')}/") or rattler.Channel(url) for url in question.channels],
            specs,
            gateway=way,
            platforms=[rattler.Subdir(question.subdir), rattler.Subdir("noarch")],
            virtual_packages=assumed,
            channel_priority=ChannelPriority[question.priority.capitalize()],
            exclude_newer=question.exclude_newer,
            timestamp_policy="allow-missing" if question.undated else "require-timestamp",
            strategy=cast("SolveStrategy", question.strategy or "highest"),
            constraints=constraints,
            locked_packages=preferred,
            timeout=None if question.seconds is None else timedelta(seconds=question.seconds),
        ),
        # Rattler's own limit begins when it has read the indexes; where that took no time, its error comes first.
        seconds=None if question.seconds is None else question.seconds + 1,
    )


def _refused_shards(message: str) -> bool:
    """Return whether a server that knows nothing of sharded indexes answered so for one: with 403, 500 or a page of
    HTML.
    """
    return (
        "repodata_shards" in message and "error sending request" not in message and not re.search(r"\b401\b", message)
    )


def _from_one_channel(spec: RequestedSpec, way: Gateway, subdir: str) -> str:
    """Return the spec with its channel; of several, as `defaults` stands for, the first that has the package."""
    import rattler

    if not spec.channels:
        return spec.spec
    if len(spec.channels) == 1:
        return spec.for_channel(spec.channels[0])
    sources = [rattler.Channel(url) for url in spec.channels]
    platforms = [rattler.Subdir(subdir), rattler.Subdir("noarch")]
    found = run(lambda: way.query(sources, platforms, [spec.name], recursive=False, channel_relations="disabled"))
    holders = {public_url(record.channel or "").rstrip("/") for records in found for record in records}
    return spec.for_channel(next((url for url in spec.channels if public_url(url) in holders), spec.channels[0]))


def _generic(package: VirtualPackage) -> GenericVirtualPackage:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    return GenericVirtualPackage(PackageName(package.name), Version(package.version), BuildString(package.build))


def _package(record: RepoDataRecord) -> LockedPackage:
    return package_from_record(json.loads(record.to_json()))
