"""The web door under load, and beside what others have."""
