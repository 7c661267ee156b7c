"""What a process may say in a mail, and how that becomes a message: shared by sending, replying, drafts, rendering."""
