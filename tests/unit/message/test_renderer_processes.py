"""The processes in which mail templates are filled in: attacked, killed, and used again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.unit.message.template_attacks import BODIES, ESCAPES, RESOURCES
from tests.unit.message.test_renderer import CANARY, ORDER, TEMPLATES, text
from zeebe_mail import errors
from zeebe_mail.message.renderer import Order, Renderer, RenderingLimits


def children() -> list[psutil.Process]:
    """The children that fill in templates."""
    return [one for one in psutil.Process().children() if "zeebe_mail.message.rendering" in one.cmdline()]


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(TEMPLATES, children=1)
    yield made
    await made.aclose()
    assert children() == []


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────

AT_ONCE = 4
"""Children that are attacked at the same time."""

BRIEF = RenderingLimits(cpu=timedelta(milliseconds=100), wall=timedelta(minutes=2))
"""Where any limit will do. An innocent mail costs a few milliseconds of CPU, however busy the machine is."""

ATTACKED = {
    "customer": {"name": "Jane"},
    "lines": [1],
    "evil": "__class__",
    "source": "{{ 1 }}",
    "deep": [1],
}


@pytest.fixture(scope="module")
def impatient() -> RenderingLimits:
    return RenderingLimits(cpu=timedelta(milliseconds=300))


def test_the_tables_are_as_long_as_they_were() -> None:
    assert len(ESCAPES) >= 34
    assert len(RESOURCES) >= 28


async def test_nothing_gets_out_of_the_sandbox(renderer: Renderer) -> None:
    assert await text(renderer, "warm") == "warm"
    (child,) = children()
    for name, source in ESCAPES.items():
        with pytest.raises(errors.TemplateError):
            print(name, await text(renderer, source, **ATTACKED))
    for field in ("html", "markdown", "to", "subject"):
        for name, source in ESCAPES.items():
            with pytest.raises(errors.TemplateError):
                print(name, await renderer.render(Order(sources={field: source}, variables=ATTACKED)))
    assert [one.pid for one in children()] == [child.pid]
    assert child.children() == []


async def test_what_needs_too_much_is_stopped_and_the_worker_does_not_grow() -> None:
    """Most of them cost a child its life, and a new one its start."""
    renderer = Renderer(children=AT_ONCE, limits=BRIEF)
    assert await text(renderer, "warm") == "warm"
    before = psutil.Process().memory_info().rss

    async def attack(name: str, source: str) -> None:
        with pytest.raises(errors.TemplateLimit):
            print(name, len(await text(renderer, source, **ATTACKED)))
        assert await text(renderer, "{{ next }}", next=name) == name

    await asyncio.gather(*(attack(name, source) for name, source in RESOURCES.items()))
    assert psutil.Process().memory_info().rss - before < 32 * 2**20
    await renderer.aclose()


@pytest.mark.parametrize("name", ["a text multiplied", "doubled again and again"])
async def test_the_limit_of_memory_is_named(name: str) -> None:
    renderer = Renderer(children=1, limits=RenderingLimits(cpu=timedelta(minutes=1), wall=timedelta(minutes=2)))
    with pytest.raises(errors.TemplateLimit, match="more than 256 MB of memory"):
        await text(renderer, RESOURCES[name])
    await renderer.aclose()


async def test_a_library_that_aborts_had_no_memory() -> None:
    """The HTML parser is in Rust, which ends the process where Python would raise MemoryError."""
    roomy = RenderingLimits(memory_bytes=128 * 2**20, cpu=timedelta(minutes=1), wall=timedelta(minutes=2))
    renderer = Renderer(children=1, limits=roomy)
    with pytest.raises(errors.TemplateLimit, match=r"^TEMPLATE_LIMIT: The HTML needs more than 128 MB of memory"):
        await renderer.render(Order(texts={"html": "<b>x</b>" * 400_000}, given=("html",)))
    await renderer.aclose()


async def test_an_error_speaks_of_what_there_is(renderer: Renderer) -> None:
    """There may be no template at all."""
    with pytest.raises(errors.TemplateLimit, match=r"^TEMPLATE_LIMIT: The Markdown is too costly"):
        await renderer.render(Order(texts={"markdown": '"' * 850_000}, given=("markdown",)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nested loops", "more than 0.3 seconds of CPU"),
        ("more than a mail may hold", "more than 5000000 characters"),
        ("a macro that calls itself", "(text, line 1): it calls itself"),
        ("a range beyond all", "a range is too long"),
    ],
)
async def test_a_limit_says_which_it_is(impatient: RenderingLimits, name: str, said: str) -> None:
    renderer = Renderer(children=1, limits=impatient)
    with pytest.raises(errors.TemplateLimit) as caught:
        await text(renderer, RESOURCES[name])
    await renderer.aclose()
    assert said in caught.value.message


async def test_texts_together_have_a_limit_in_bytes(renderer: Renderer) -> None:
    """Each is below it, and so are their characters."""
    with pytest.raises(errors.TemplateLimit, match="more than 5000000 bytes"):
        await renderer.render(Order(sources={"text": "{{ 'ä' * 1700000 }}", "html": "{{ 'ü' * 1700000 }}"}))


async def test_bodies_that_cost_much_are_made_or_stopped() -> None:
    renderer = Renderer(children=AT_ONCE, limits=BRIEF)

    async def attack(texts: dict[str, str]) -> None:
        try:
            await renderer.render(Order(texts=texts, given=tuple(texts)))
        except errors.TemplateLimit as error:
            assert "CPU" in error.message or "memory" in error.message  # noqa: PT017 - either is right
        assert await text(renderer, "{{ a }}", a=1) == "1"

    await asyncio.gather(*map(attack, BODIES.values()))
    await renderer.aclose()


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_child_has_nothing_of_the_environment(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_PASSWORD", CANARY)
    await text(renderer, "a")
    (child,) = children()
    assert CANARY not in str(child.environ())


async def test_a_child_loads_neither_grpc_nor_pydantic(renderer: Renderer) -> None:
    await renderer.render(Order(name="order", variables=ORDER))
    loaded = {Path(one.path).name for one in children()[-1].memory_maps()}
    assert not [name for name in loaded if "cygrpc" in name or "pydantic" in name]


async def test_a_child_that_died_while_idle_costs_no_mail(renderer: Renderer) -> None:
    """The system kills when memory is short, and the worker may not have heard of it yet."""
    await text(renderer, "a")
    children()[-1].send_signal(signal.SIGKILL)
    assert await text(renderer, "b") == "b"


async def test_many_mails_are_written_at_once() -> None:
    renderer = Renderer(TEMPLATES, children=2)
    jobs = [renderer.render(Order(name="order", variables={**ORDER, "shop": f"shop {at}"})) for at in range(20)]
    found = await asyncio.gather(*jobs)
    assert [f"shop {at}" in mail.fields["html"] for at, mail in enumerate(found)] == [True] * 20
    assert len(children()) == 2
    await renderer.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await text(renderer, "a")
