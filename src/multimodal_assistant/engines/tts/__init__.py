"""Text → audio stream."""
