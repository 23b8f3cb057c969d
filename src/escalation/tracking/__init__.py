"""Runs, models and the registry: the only package that imports MLflow, and only when something is tracked or fetched."""
