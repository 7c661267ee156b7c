"""What can be done with a mailbox over POP3."""
