"""Who we are to a mail server."""
