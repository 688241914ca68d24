"""Reading what users wrote: files of bounded size, in UTF-8 or UTF-16, and YAML that cannot explode."""

from __future__ import annotations

import codecs
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text
from python_docker.files.regular import read_regular_file

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_LARGEST = 16 << 20
# Bytes. A lock file of a thousand packages for five platforms has about 3 MB.
_LARGEST_YAML = 1 << 20
# Bytes; ruamel reads about 300 kB in a second.
_MOST_MERGED = 10_000
# Entries of one mapping after its `<<` are resolved. Each level of nested merges may multiply them.


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a user wrote, with `~` and `~name` replaced where these are known."""
    # Path.expanduser() raises for a name that is not.
    return Path(os.path.expanduser(text))  # noqa: PTH111


def read_text(path: Path) -> str:
    """Return a file's text. PowerShell writes UTF-16 with a byte order mark, everything else UTF-8.

    Raises `InvalidEnvironment` for a file that is missing, larger than 16 MiB or not text, and for anything but a
    regular file.
    """
    try:
        content = read_regular_file(path, _LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            reason = f"it has more than {_LARGEST >> 20} MiB, and no list of packages is that large"
        else:
            reason = error.strerror or str(error)
        raise InvalidEnvironment(f"cannot read {path}: {reason}") from error
    except ValueError as error:
        raise InvalidEnvironment(f"cannot read {str(path)!r}: {error}") from error
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidEnvironment(f"{path} is not a text file: {error}") from error
    if "\0" in text:
        raise InvalidEnvironment(f"{path} is not a text file: it holds NUL bytes")
    return text


def parse_yaml(text: str, name: str) -> Any:
    """Return the value of a YAML 1.2 document of plain values; `name` says in messages what it is.

    Raises `InvalidEnvironment` for what is no YAML, asks for other types than plain ones, or is too large, too deep or
    made to grow when it is read.
    """
    if len(text) > _LARGEST_YAML:
        raise InvalidEnvironment(f"{name} has more than {_LARGEST_YAML >> 10} KiB, too much for a file of settings")
    try:
        return _loader().load(text)
    except RecursionError as error:
        raise InvalidEnvironment(f"{name} cannot be read: it is nested too deeply") from error
    except Exception as error:  # beside its own errors, hostile documents bring up ValueError, KeyError and others
        raise InvalidEnvironment(f"{name} is not valid YAML: {public_text(str(error))[:1000]}") from error


def _loader() -> YAML:
    # About 0.1 s: only who gives a YAML file pays for it.
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import ConstructorError, SafeConstructor

    class Constructor(SafeConstructor):
        def flatten_mapping(self, node: Any) -> Any:
            super().flatten_mapping(node)
            if len(node.value) > _MOST_MERGED:
                raise ConstructorError(problem="merged mappings are too large", problem_mark=node.start_mark)

    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    return yaml
