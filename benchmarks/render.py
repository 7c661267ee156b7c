"""Mail templates: filling in through the child process, beside Jinja alone, and what the first mail and memory cost.

PYTHONPATH=worker python -m benchmarks.render
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import psutil
from jinja2 import Environment, FileSystemLoader
from tests.unit.message.test_renderer import ORDER, TEMPLATES

from zeebe_mail.message.renderer import Order, Renderer

MAILS = 1000
SUBJECT = Order(
    sources={"subject": "Order {{ number }}", "text": "Dear {{ name }}"}, variables={"number": 1, "name": "J"}
)
PAGE = Order(name="order", variables=ORDER, locale="de-AT")
NAME = {"name": "Jane"}
NOTICE = Order(name="notice", variables=NAME)
HTML = Order(texts={"html": "<h1>Hi</h1><p>there</p>" * 20}, given=("html",))


async def rate(work: Callable[[], Awaitable[object]], at_once: int) -> float:
    """How often a second, with so many on their way."""
    started = time.perf_counter()

    async def one_after_the_other() -> None:
        for _ in range(MAILS // at_once):
            await work()

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return MAILS / (time.perf_counter() - started)


def jinja_alone() -> float:
    """The notice by Jinja, compiled once, without a sandbox."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    started = time.perf_counter()
    for _ in range(MAILS):
        for name in ("notice/subject.txt.j2", "notice/text.txt.j2", "notice/html.html.j2"):
            environment.get_template(name).render(NAME)
    return MAILS / (time.perf_counter() - started)


async def main() -> None:
    """Print the figures."""
    renderer = Renderer(TEMPLATES)
    started = time.perf_counter()
    await renderer.render(PAGE)
    print(f"first mail, child started: {1000 * (time.perf_counter() - started):.0f} ms")
    works = {
        "subject and text, inline": SUBJECT,
        "text from HTML": HTML,
        "notice: subject, text, HTML": NOTICE,
        "page: Markdown, styles, partials, locale": PAGE,
    }
    for name, order in works.items():
        one, two = [await rate(lambda order=order: renderer.render(order), at_once) for at_once in (1, 8)]
        print(f"{name}: {one:.0f} mails/s one after the other, {two:.0f} with two children")
    print(f"notice by Jinja alone, in this process: {jinja_alone():.0f} mails/s")
    memory = [one.memory_info().rss // 2**20 for one in psutil.Process().children()]
    print(f"memory of the children: {memory} MB")
    await renderer.aclose()


if __name__ == "__main__":
    asyncio.run(main())
