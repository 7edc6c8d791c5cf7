"""Audio → speech probability."""
