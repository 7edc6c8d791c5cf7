"""Picture → what is in it, what it shows, what is written there, and a vector for all of it."""
