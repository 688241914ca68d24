"""Byte-compiling the modules of `noarch: python` packages, as conda does when it installs them."""
