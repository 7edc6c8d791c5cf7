"""Text → vector."""
