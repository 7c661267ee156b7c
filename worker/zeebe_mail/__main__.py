"""``python -m zeebe_mail`` is ``zeebe-mail``."""

from zeebe_mail.cli import main

main()
