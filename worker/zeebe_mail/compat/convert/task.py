"""One task of a foreign type on its way to ours: its inputs, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from zeebe_mail.compat.convert.source import is_feel, looked_up, names


class NotConvertible(Exception):
    """The task stays as it is; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Response:
    """How the result of the foreign task differs from ours."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    """What gives the same in our result, by the name that expressions use."""
    lost: Collection[str] = ()
    """Members that ours does not have under that name."""
    instead: str = ""
    """Where what is lost can be had, for people."""
    whole: str = "response"
    """What in our result is the whole of theirs."""


@dataclass(slots=True)
class Inputs:
    """The inputs of a task, by target, and the new ones."""

    given: Mapping[str, str]
    """Source by target, as the model has them."""
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)
    """New target and source, by old target."""
    added: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    """What to look at although the task was converted."""

    def has(self, target: str) -> bool:
        """Whether it says anything."""
        return bool(self.given.get(target, "").strip())

    def move(self, old: str, new: str, change: Callable[[str], str] = lambda source: source) -> None:
        """Give an input another target, if there is one; ``change`` makes the new source."""
        if old in self.given:
            self.moved[old] = (new, change(self.given[old]))

    def add(self, target: str, source: str) -> None:
        """One more input."""
        self.added[target] = source

    def word(self, target: str, default: str, what: str) -> str:
        """A word that is chosen in the Modeler.

        Raises:
            NotConvertible: it is FEEL, so the choice is made when the process runs.
        """
        source = self.given.get(target, "").strip() or default
        if is_feel(source):
            raise NotConvertible(
                f"{what} ({target}) is an expression. Choose one in the Modeler; where the process decides, put a "
                "gateway and a task for each."
            )
        if not source:
            raise NotConvertible(f"{what} ({target}) is missing. Choose one in the Modeler.")
        return source

    def demand(self, *targets: str) -> None:
        """Pass when there are such inputs.

        Raises:
            NotConvertible: one is missing, so its value comes from a process variable of this name, if at all.
        """
        for target in targets:
            if not self.has(target):
                raise NotConvertible(f"There is no input {target}. Fill it in first.")

    def choose(self, old: str, new: str, meanings: Mapping[str, str]) -> None:
        """Move a word, in any case, that has another name with us.

        Raises:
            NotConvertible: nobody knows it.
        """
        source = self.given.get(old, "")
        if is_feel(source):
            self.moved[old] = (new, looked_up(source, meanings))
        elif source.strip():
            known = meanings.get(source.strip().upper())
            if known is None:
                raise NotConvertible(f"{old} is {source!r}; known are {', '.join(meanings)}.")
            self.moved[old] = (new, known)

    def limit(self, old: str, new: str, *, most: int) -> None:
        """Move a number of messages.

        Raises:
            NotConvertible: there are more than we list, or none.
        """
        source = self.given.get(old, "").strip()
        number = source.removeprefix("=").strip()
        if number.isdecimal() and not 1 <= int(number) <= most:
            raise NotConvertible(f"{old} is {number}; our tasks list 1 to {most} messages.")
        if source:
            self.move(old, new)

    # ── checks of the whole ──────────────────────────────────────────────────────────────────────────────────────

    def check(self, *, foreign: Collection[str], prefixes: Collection[str]) -> None:
        """Pass when nothing of the task is lost, and expressions still mean what they meant.

        Args:
            foreign: all targets of the connector.
            prefixes: what its targets begin with.

        Raises:
            NotConvertible: says what is in the way.
        """
        for target in self.given:
            first = target.split(".")[0]
            if any(one.startswith(f"{target}.") for one in foreign):
                raise NotConvertible(f"{target} is given as a whole. Bind its members one by one.")
            if target in foreign:
                continue
            if first in prefixes:
                raise NotConvertible(f"{target} is no input of this connector. Remove it, or give it another name.")
            if first in OURS:
                raise NotConvertible(f"{target} is the name of one of our inputs. Give it another name.")
        self._check_names(foreign)
        self._tell_of_secrets()

    def final(self, foreign: Collection[str]) -> list[tuple[str, str]]:
        """Target and source of all inputs in their new order."""
        moved = [
            self.moved.get(old, (old, source))
            for old, source in self.given.items()
            if old in self.moved or old not in foreign
        ]
        return moved + list(self.added.items())

    def _check_names(self, foreign: Collection[str]) -> None:
        """The broker builds one context of all inputs, in which later ones see the earlier ones beside them."""
        seen: dict[str, list[str]] = {"": []}
        new = [one for one, _ in self.moved.values()] + list(self.added)
        for target, source in self.final(foreign):
            first, _, last = target.partition(".")
            if first not in seen[""]:
                seen[""].append(first)
            visible = {one for one in seen[""] if one != first and one in OURS} | set(seen.setdefault(first, []))
            hidden = sorted(names(source) & visible) if target in new else sorted(names(source) & visible & set(OURS))
            if hidden:
                raise NotConvertible(
                    f"The expression for {target} uses the variable {hidden[0]}, which an input of our task would "
                    "hide. Give the variable another name, or put the value into an input with a name of its own."
                )
            if last:
                seen[first].append(last)

    def _tell_of_secrets(self) -> None:
        for old, (new, source) in self.moved.items():
            if "secrets." in source and not new.startswith("auth."):
                self.remarks.append(
                    f"{old} refers to a secret. Our tasks fill in secrets in `auth` only: add {new} to "
                    "ZEEBE_MAIL_SECRETS_FIELDS of the worker."
                )


OURS = ("server", "auth", "request", "imap")
"""The top-level inputs of our tasks."""
