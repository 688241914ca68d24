"""The first line of scripts that the image's Python runs: of conda's entry points and of wheels alike."""

from __future__ import annotations

_MAX_SHEBANG = 127  # bytes of a first line that Linux runs (fs/binfmt_script.c), without its newline


def python_shebang(python: str) -> str:
    """Return the start of a script that the interpreter at the path `python` runs, without its final newline.

    Linux splits the line at spaces and cuts it after 127 bytes; a path that does not survive this is run by `sh`.

    >>> python_shebang("/opt/conda/bin/python3.12")
    '#!/opt/conda/bin/python3.12'
    >>> print(python_shebang("/opt/my env/bin/python"))
    #!/bin/sh
    '''exec' "/opt/my env/bin/python" "$0" "$@" #'''
    """
    if len(python.encode()) > _MAX_SHEBANG - 2 or " " in python:
        # Read by sh it runs the interpreter; read by Python it is a string.
        return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\" #'''"
    return f"#!{python}"
