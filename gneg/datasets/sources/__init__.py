"""Sources of datasets, a module each."""
