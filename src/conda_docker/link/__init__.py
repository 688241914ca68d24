"""Where the files of a package go: `link_package` turns the entries of an archive into the entries of a layer.

Pure functions: nothing here reads or writes a prefix, and the same package gives the same bytes everywhere.
"""

from __future__ import annotations
