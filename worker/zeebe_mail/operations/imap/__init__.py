"""What can be done with mailboxes and their messages over IMAP."""
