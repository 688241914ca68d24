"""How users say which packages they want. Every way ends in one `LockedEnvironment` (`locked.py`).

`inputs/` is the table of files that are read, and environments that exist; `spec.py` is what an input leaves to a
solver, `solve/` what chooses packages for match specs. Nothing is imported here: `inspect` reads a small part alone.
"""
