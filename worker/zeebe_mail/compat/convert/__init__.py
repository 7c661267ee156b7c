"""Models made for other mail connectors, rewritten for our task types.

    conversion = convert(Path("order.bpmn").read_bytes())
    conversion.model  # the same file, but for the tasks that were converted
    conversion.tasks  # what became of each, and why

A task is rewritten as a whole or stays as it is: one whose result or errors would mean something else afterwards stays
too, with the reason.
"""

from zeebe_mail.compat.convert.conversion import Conversion, ConvertedTask, convert
from zeebe_mail.compat.convert.document import NoModelError

__all__ = ["Conversion", "ConvertedTask", "NoModelError", "convert"]
