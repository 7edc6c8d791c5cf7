"""Agentic memory after A-MEM: what was said is kept word for word; whatever a model makes of it is derived and can be taken back."""
