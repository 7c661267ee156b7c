"""What one command is about and how many bytes its answer may have, so that no server can make us keep more."""

from __future__ import annotations

BATCH = 1000
"""Messages in one command."""
CHUNK = 2**20
"""Bytes of a message in one FETCH."""
SLACK = 2**16
"""Bytes of what stands around what was asked for."""
A_LINE = 512
"""Bytes of a FETCH response that has numbers and dates only."""
A_MESSAGE_ID = 8192
"""Bytes of one that has a Message-ID too."""
STRUCTURES = 2**23
"""Bytes of BODYSTRUCTUREs that are out of proportion."""
MANY_NUMBERS = 2**25
"""Bytes of all UIDs of the largest mailbox, or of the names of all mailboxes."""
