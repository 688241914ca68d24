"""Requests: what the names of images stand for, as requests of builds."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.build_options import BuildOptions
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.layers.recipe import LAYER_FORMAT
from conda_docker.policy.rules import Policy
from conda_docker.request import Request
from conda_docker.resolution.describe import describe
from conda_docker.serve.errors import NameUnknown, NoSuchName
from conda_docker.serve.making.environments import find_environment
from conda_docker.serve.names import channel_alias
from python_docker.files.atomic import PartialFolder, write_whole_file

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.serve.configuration import ServerConfiguration
    from conda_docker.serve.making.catalogue import Catalogue
    from conda_docker.serve.making.served_image import ServedImage
    from conda_docker.serve.names import Asked, Package


def settings_of(configuration: ServerConfiguration) -> str:
    """Return a digest of what images are made by: those made by other settings are other images."""
    value = {
        "format": LAYER_FORMAT,
        "base": configuration.base,
        "platforms": [str(platform) for platform in configuration.platforms],
        "virtual_packages": configuration.virtual_packages,
        "build": dict(configuration.build),
        "environments": configuration.environments,
    }
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Requests:
    """Makes requests by one configuration. Lock files are written to a temporary folder for them."""

    def __init__(self, configuration: ServerConfiguration, cache: CacheFolder, catalogue: Catalogue) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._options = BuildOptions(
            **configuration.build,
            cache_dir=cache.root,
            cache_from=[LayerRepository(name) for name in configuration.cache_from],
            cache_to=[LayerRepository(name) for name in configuration.cache_to],
        )
        # Locked while this process lives: the next server removes what one that was killed has left.
        self._folder = PartialFolder(Path(tempfile.gettempdir()), "conda-docker-serve", private=True)

    def close(self) -> None:
        """Remove temporary files."""
        self._folder.abort()

    def asked(self, asked: Asked) -> Request:
        """Return the request that a name stands for. Raises `NameUnknown`, and `NoSuchName` for other channels."""
        configuration = self._configuration
        request = Request(
            specs=[self._spec(package, asked) for package in asked.packages],
            files=() if asked.packages else (self._file_of(asked),),
            platforms=configuration.platforms,
            base=configuration.base,
            channels=asked.channels,
            override_channels=True,
            virtual_packages=configuration.virtual_packages,
            policy=Policy(exclude_newer=asked.until),
            solve_seconds=configuration.limits.solve_seconds,
            options=self._options,
        )
        if asked.environment is None:
            return request
        file = InputFile.read(request.files[0])
        described = describe(request, [file], subdir_of_platform(configuration.platforms[0]))
        has_channels = isinstance(described, EnvironmentSpec) and len(described.channels) > len(asked.channels)
        return replace(request, channels=()) if has_channels else request

    def again(self, image: ServedImage) -> Request:
        """Return the request that makes an image again as it was."""
        platforms = [each for each in self._configuration.platforms if str(each) not in image.missing]
        return Request(files=(self._lock_file(image.lock),), platforms=tuple(platforms), options=self._options)

    def _file_of(self, asked: Asked) -> Path:
        if asked.environment is not None:
            return find_environment(self._configuration.environments, asked.environment)
        text = self._catalogue.lock(asked.lock or "", asked.channels)
        if text is None:
            raise NameUnknown(f"there is no lock file {asked.lock} here: post it to /v1/locks")
        return self._lock_file(text)

    def _lock_file(self, text: str) -> Path:
        path = self._folder.path / f"{hashlib.sha256(text.encode()).hexdigest()}.lock"
        if not path.exists():
            write_whole_file(path, text.encode())
        return path

    def _spec(self, package: Package, asked: Asked) -> str:
        """Return the match spec of a package, whose channel is one of those that may be used."""
        if package.channel is None:
            return package.spec
        for channel in asked.channels:
            if channel_alias(channel) == package.channel:
                return replace(package, channel=channel).spec
        known = ", ".join(map(channel_alias, asked.channels))
        raise NoSuchName(f"{package.channel!r} is not a channel of this server; there are: {known}")
