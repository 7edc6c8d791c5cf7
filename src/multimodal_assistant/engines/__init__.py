"""Adapters around models: one file per backend, strangers to one another."""
