"""From layers to an image: base, configuration, the environment's own layer, provenance, and the pipeline."""
