"""``python -m zeebe_mail`` is ``zeebe-mail``."""

import signal

from zeebe_mail.ending import ended_by, held_back


def main() -> None:
    """Run the command line; SIGTERM and Ctrl-C end it in good order from the first moment to the last."""
    with ended_by(signal.SIGINT, signal.SIGTERM, afterwards=signal.SIG_IGN):
        with held_back():
            from zeebe_mail import cli
        cli.main()


if __name__ == "__main__":
    main()
