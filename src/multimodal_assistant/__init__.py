"""A private assistant that people talk to, running on their own machine."""
