"""Measurements of the assistant's eyes."""
