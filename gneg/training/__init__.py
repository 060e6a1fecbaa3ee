"""Training link predictors and knowledge-graph models."""
