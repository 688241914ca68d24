"""Uploads: a blob into a repository, whole, as one PATCH or in chunks (distribution-spec, "Push")."""
