"""The documentation as a site: ``python -m examples.site [FOLDER]``, from a checkout."""
