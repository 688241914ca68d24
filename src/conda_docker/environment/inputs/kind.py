"""What every kind of input file has in common: how it is recognised, and what reading one takes and returns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import host_subdir
from conda_docker.user_files import is_stream, read_stream, read_text, stream_name

_KEY = re.compile(r"^([A-Za-z_-]+)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a user gave, read once: its path, its text, and what its kind is recognised by."""

    path: Path
    text: str
    lines: tuple[str, ...]
    """Without comments, empty lines and the spaces around them."""
    keys: frozenset[str]
    """What looks like a top-level key of a YAML mapping."""

    @classmethod
    def of(cls, path: Path, text: str) -> InputFile:
        """Return the file at `path` that holds `text`.

        >>> sorted(InputFile.of(Path("environment.yml"), "name: x\\ndependencies: [a]\\n").keys)
        ['dependencies', 'name']
        """
        stripped = (line.strip() for line in text.splitlines())
        return cls(
            path,
            text,
            tuple(line for line in stripped if line and not line.startswith("#")),
            frozenset(_KEY.findall(text)),
        )

    @classmethod
    def read(cls, path: Path) -> InputFile:
        """Read the file at `path`, or from a stream (`-`, `<(command)`), which is called by its name for messages.

        Raises `InvalidEnvironment` for one that is missing, too large or not text.
        """
        if is_stream(path):
            # Paths in it are relative to the working folder.
            return cls.of(Path(stream_name(path)), read_stream(path))
        return cls.of(path, read_text(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """A file, and which of the environments that it may describe is wanted."""

    file: InputFile
    subdir: str | None = None
    """The subdir that the image is for, such as "linux-64"; None where the user named no platform."""
    environment: str | None = None
    """The name of an environment of a pixi workspace; None: its default."""
    categories: tuple[str, ...] = ()
    """Categories of a conda-lock file; empty: its default."""
    alone: bool = True
    """Whether nothing is added to what the file says, so that exact packages will do."""

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def text(self) -> str:
        return self.file.text

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.file.path.parent

    @property
    def file_name(self) -> str:
        """What names the file in messages."""
        return str(self.file.path)

    @property
    def target(self) -> str:
        """The subdir that is wanted, or that of Linux on this machine's processor where the user named none."""
        return self.subdir or host_subdir()


class Choice(Enum):
    """What a user may choose of a file that describes several environments."""

    ENVIRONMENT = "environment"
    CATEGORIES = "categories"


@dataclass(frozen=True, slots=True)
class InputKind:
    """A row of the table of inputs.

    `read` gives exact packages, or an `EnvironmentSpec` where these are still to be solved. It raises
    `InvalidEnvironment` for a file that is damaged and `UnsupportedInput`, by name, for what cannot be installed.
    """

    name: str
    """With an article, for messages: "an environment.yml"."""
    detect: Callable[[InputFile], bool]
    read: Callable[[ReadRequest], LockedEnvironment | EnvironmentSpec]
    choices: frozenset[Choice] = frozenset()
    subdirs: Callable[[InputFile], frozenset[str]] = lambda file: frozenset()
    """The subdirs that a lock file has packages for; empty for a kind of file that is for one, or for any."""
