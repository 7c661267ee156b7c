"""``zeebe-mail check``: what works and what does not, step by step."""
