"""What Linux sends to the processes that we started when we end without a chance to stop them."""

import shutil
import signal
import threading


def dies_with_us(number: signal.Signals) -> list[str]:
    """What to put before a command so that Linux sends it this signal when we end without a chance to stop it.

    Empty where there is no `setpriv`, and outside the main thread: the kernel watches the thread, not the process.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG")]
