"""Audio → text."""
