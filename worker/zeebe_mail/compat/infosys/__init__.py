"""Infosys' connectors for SMTP, IMAP and POP3: their inputs, responses, filters and error texts."""
