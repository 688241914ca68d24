"""The README and the pages of docs/ hold: links lead somewhere, commands parse, and what can be run here is run."""
