"""The one error of this package: what went wrong on this machine, and what to do about it."""


class DemoError(Exception):
    """A step of the demo or of the rig failed for a reason that the person at the keyboard can act on."""

    def __init__(self, happened: str, remedy: str) -> None:
        super().__init__(f"{happened} {remedy}")
        self.happened = happened
        self.remedy = remedy
