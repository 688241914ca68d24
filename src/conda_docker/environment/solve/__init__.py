"""From match specs to exact packages: rattler, or an external conda, mamba or micromamba."""
