"""A bake on the workers of a Dask scheduler."""
