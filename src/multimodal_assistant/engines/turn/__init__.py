"""Audio → has the speaker finished?"""
