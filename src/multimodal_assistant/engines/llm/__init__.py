"""Conversation → text stream."""
