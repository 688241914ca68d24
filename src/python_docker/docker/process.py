"""What a container runs: the rule by which a command is given to the image's entrypoint or to a shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True)
class Process:
    """Arguments for the image's entrypoint, or for `entrypoint` in its place; empty arguments mean the image's own Cmd.

    >>> Process.of(["echo", "hello"])
    Process(arguments=('echo', 'hello'), entrypoint=None)
    """

    arguments: tuple[str, ...] = ()
    entrypoint: str | None = None

    @classmethod
    def of(cls, command: Sequence[str] | str | None) -> Process:
        """Return the process that a command means.

        - None, or nothing in it: what the image runs by itself.
        - A text, or a sequence of one text that holds white space: a line for `/bin/sh -c`, which stands in for the
          image's entrypoint. Images of earlier releases had that entrypoint and were given one such text.
        - Any other sequence: arguments, given to the image's entrypoint if it has one, and else run as they are,
          as the docker command does. So does a program whose path holds a space: `["env", "/opt/my app/run"]`.

        >>> Process.of(["cat /this/is/a/test1"])
        Process(arguments=('-c', 'cat /this/is/a/test1'), entrypoint='/bin/sh')
        """
        if not command:
            return cls()
        if isinstance(command, str):
            return cls(("-c", command), SHELL)
        if len(command) == 1 and any(character.isspace() for character in command[0]):
            return cls(("-c", command[0]), SHELL)
        return cls(tuple(command))
