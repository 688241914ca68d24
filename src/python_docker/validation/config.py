"""What an image's config file may say, by itself and compared with the manifest (image-spec, config.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.limits import MAX_VARIABLE
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.timestamps import is_rfc3339
from python_docker.validation.descriptors import check_names, check_strings
from python_docker.validation.report import Finding, error, warning

_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(?:tcp|udp|sctp))?")
_MAX_PORT = 65535
_LISTS = ("Env", "Entrypoint", "Cmd", "Shell", "OnBuild")
_SETS = ("ExposedPorts", "Volumes")
_COMMANDS = ("Entrypoint", "Cmd", "Shell")
_STRINGS = ("User", "WorkingDir", "StopSignal", "Hostname", "Domainname", "MacAddress")
_SWITCHES = (
    *("ArgsEscaped", "AttachStdin", "AttachStdout", "AttachStderr"),
    *("NetworkDisabled", "OpenStdin", "StdinOnce", "Tty"),
)
_TIMES = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


def is_bare(config: ImageConfig) -> bool:
    """Return whether a config says nothing that an image's must: other things than images are stored with such ones."""
    return not (config.rootfs.diff_ids or config.architecture or config.os)


def check_config(config: ImageConfig, manifest: Manifest) -> Iterator[Finding]:
    """Check an image's config, and whether the manifest agrees with it."""
    value = config.value()
    # Docker's own format was never written down as strictly, and its readers take what is absent.
    missing = error if manifest.format is ImageFormat.OCI else warning
    yield from check_names(value, ImageConfig)
    for field in ("architecture", "os"):
        if not value.get(field):
            yield missing(f"it does not name the {field}")
    if config.created is not None and not is_rfc3339(config.created):
        yield error(f"created is {config.created[:80]!r}, which is not a time in the form of RFC 3339")
    for number, entry in enumerate(config.history or (), 1):
        if entry.created is not None and not is_rfc3339(entry.created):
            yield error(f"created of history entry {number} is {entry.created[:80]!r}, which is not a time of RFC 3339")
    kind = (value.get("rootfs") or {}).get("type")
    if not kind:
        yield missing("rootfs has no type")
    elif kind != "layers":
        yield error(f"rootfs has the type {str(kind)[:80]!r}, not 'layers'")
    yield from _check_counts(config, manifest)
    yield from _check_runtime(config.config or {})


def _check_counts(config: ImageConfig, manifest: Manifest) -> Iterator[Finding]:
    layers, diff_ids = len(manifest.layers), len(config.rootfs.diff_ids)
    if layers != diff_ids:
        yield error(f"its diff IDs ({diff_ids}) and the manifest's layers ({layers}) must match")
    if config.history is not None:
        made = sum(1 for entry in config.history if not entry.empty_layer)
        if made > layers:
            yield error(
                f"its history has {made} entries that made a layer; Docker refuses more than {layers}, the layers"
            )
        elif made < layers and config.history:
            yield warning(f"its history has {made} entries that made a layer, but there are {layers} layers")


def check_platform(config: ImageConfig, descriptor: Descriptor) -> Iterator[Finding]:
    """Check that an image is for the platform that an index promises. The index is what counts when one is chosen."""
    promised = descriptor.get_platform()
    if promised is None or promised.os == "unknown" or not config.os or not config.architecture:
        return
    if not promised.matches(config.platform):
        yield warning(f"it is for {config.platform}, but the index says {promised}, which tools go by")


def _check_runtime(fields: Mapping[str, Any]) -> Iterator[Finding]:
    """Check what containers run with. A field of another type makes the whole document unreadable for Docker."""
    for name in _LISTS:
        words = fields.get(name)
        if isinstance(words, str) and name in _COMMANDS:
            yield warning(f"{name} is a string, which is taken as one word; it should be a list of strings")
        else:
            yield from check_strings(name, words)
    for name in _SETS:
        entries = fields.get(name)
        if entries is not None and not isinstance(entries, dict):
            yield error(f"{name} is not an object")
        elif entries and not all(isinstance(entry, dict) for entry in entries.values()):
            yield error(f"{name} holds something other than empty objects")
    for name in _STRINGS:
        if not isinstance(fields.get(name) or "", str):
            yield error(f"{name} is not a string")
    for name in _SWITCHES:
        if not isinstance(fields.get(name) or False, bool):
            yield error(f"{name} is neither true nor false")
    if not _is_whole(fields.get("StopTimeout")):
        yield error("StopTimeout is not a whole number of seconds")
    yield from _check_health(fields.get("Healthcheck"))
    yield from _check_labels(fields.get("Labels"))
    variables = fields.get("Env")
    for variable in variables if isinstance(variables, list) else ():
        if isinstance(variable, str) and (variable.startswith("=") or "=" not in variable):
            yield error(f"Env holds {variable[:80]!r}, which is not NAME=VALUE")
        elif isinstance(variable, str) and len(variable.encode(errors="replace")) > MAX_VARIABLE:
            yield warning(f"Env holds {variable[:80]!r}..., longer than the {MAX_VARIABLE} bytes that Linux takes")
    ports = fields.get("ExposedPorts")
    for port in ports if isinstance(ports, dict) else ():
        found = _PORT.fullmatch(port)
        if found is None or any(int(number) > _MAX_PORT for number in found.group(1, 2) if number):
            yield error(f"ExposedPorts holds {port[:80]!r}, which is not a valid port")
    folder = fields.get("WorkingDir")
    if isinstance(folder, str) and folder and not folder.startswith(("/", "C:", "c:")):
        yield warning(f"WorkingDir is {folder[:200]!r}, which is not an absolute path")


def _check_health(check: object) -> Iterator[Finding]:
    if check is not None and not isinstance(check, dict):
        yield error("Healthcheck is not an object")
    fields = check if isinstance(check, dict) else {}
    yield from check_strings("Healthcheck.Test", fields.get("Test"))
    for name in _TIMES:
        if not _is_whole(fields.get(name)):
            yield error(f"Healthcheck.{name} is not a whole number; times are in nanoseconds")


def _is_whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _check_labels(labels: object) -> Iterator[Finding]:
    if labels is not None and not isinstance(labels, dict):
        yield error("Labels is not an object")
    for name, label in labels.items() if isinstance(labels, dict) else ():
        if not isinstance(label, str):
            yield error(f"the label {name[:80]!r} is not a string")
