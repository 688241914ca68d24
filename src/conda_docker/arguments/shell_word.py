"""shell_word: a path as it is typed in a shell."""

from __future__ import annotations

import os
import shlex
import string

_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} ./:-_".encode())


def shell_word(text: str) -> str:
    """Return a word for a shell; one that is not text in this locale as its bytes (bash, "ANSI-C Quoting").

    >>> print(shell_word("a b.tar"), shell_word("\\udcff.tar"))
    'a b.tar' $'\\377.tar'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        octal = (chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in os.fsencode(text))
        return f"$'{''.join(octal)}'"
    return shlex.quote(text)
