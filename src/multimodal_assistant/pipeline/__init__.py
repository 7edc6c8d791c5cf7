"""The conversation, one file per hop."""
