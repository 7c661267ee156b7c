"""What an operator lets a worker send, to whom and as whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from zeebe_mail.errors import (
    InputError,
    MessageTooLarge,
    NoRecipientLeft,
    RecipientNotAllowed,
    SenderNotAllowed,
    TooManyRecipients,
)
from zeebe_mail.message.address import Mailbox, mailbox, mailboxes
from zeebe_mail.message.address_patterns import AddressPatterns, PatternError
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.guard_rails import GuardRails

DRAFT = Draft(
    authors=(mailbox("Jane <jane@example.org>"),),
    to=mailboxes("Bob <bob@example.org>, carl@example.com"),
    cc=mailboxes("dora@example.org"),
    bcc=mailboxes("eve@example.net"),
    text="Hi",
)
QA = mailboxes("qa@test.example, lead@test.example")


def patterns(*entries: str) -> AddressPatterns:
    return AddressPatterns.of(entries)


def to(addresses: Any) -> Draft:
    return replace(DRAFT, to=mailboxes(addresses), cc=(), bcc=())


def everybody(draft: Draft) -> list[str]:
    return [one.address for one in (*draft.to, *draft.cc, *draft.bcc)]


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("jane@example.org", "jane@example.org"),
        ("jane@example.org", "JANE@Example.ORG"),
        ("Jane@EXAMPLE.org", "jane@example.org"),
        ("jane@example.org", "jane+invoices@example.org"),
        ("jane@example.org", '"jane"@example.org'),
        ("jane+a@example.org", "jane+a@example.org"),
        ("jörg@example.org", "JÖRG@example.org"),
        ("jo\u0308rg@example.org", "jörg@example.org"),
        ("@example.org", "anybody@example.org"),
        ("@Example.Org.", "anybody@example.org"),
        ("@bücher.example", "a@xn--bcher-kva.example"),
        ("@xn--BCHER-kva.example", "a@bücher.example"),
        ("@BÜCHER.example", "a@bücher.example"),
        ("a@bücher.example.", "a@xn--bcher-kva.example"),
        ("*.example.org", "a@mail.example.org"),
        ("*.example.org", "a@deep.mail.Example.org"),
        ("*.bücher.example", "a@post.xn--bcher-kva.example"),
        ("@[192.0.2.1]", "a@[192.0.2.1]"),
        ("@[IPv6:2001:db8:0::1]", "a@[ipv6:2001:DB8::1]"),
    ],
)
def test_an_entry_stands_for_an_address(entry: str, address: str) -> None:
    assert patterns(entry).match(mailbox(address))


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("jane@example.org", "jane@example.com"),
        ("jane@example.org", "janet@example.org"),
        ("jane@example.org", "mary+jane@example.org"),
        ("jane@example.org", "jane@sub.example.org"),
        ("jane+a@example.org", "jane@example.org"),
        ("jane+a@example.org", "jane+b@example.org"),
        ("@example.org", "a@sub.example.org"),
        ("@example.org", "a@notexample.org"),
        ("@example.org", "a@example.org.evil.test"),
        ("*.example.org", "a@example.org"),
        ("*.example.org", "a@notexample.org"),
        ("*.example.org", "a@x.example.org.evil.test"),
        ("@bücher.example", "a@bucher.example"),
    ],
)
def test_an_entry_stands_for_no_other(entry: str, address: str) -> None:
    assert not patterns(entry).match(mailbox(address))


def test_a_domain_is_compared_without_case_however_it_came() -> None:
    """The face of Camunda's connector keeps the case that an author wrote."""
    as_written = Mailbox("a", "Example.ORG")
    assert patterns("@example.org").match(as_written)
    assert patterns("a@example.org").match(as_written)


@pytest.mark.parametrize(
    "entry", ["example.org", "*", "@", "*.", "@*.example.org", "jane", "a b@x", "*@x.test", "@-x-", "*.@x", "a@b@c@"]
)
def test_what_stands_for_nothing_is_refused_by_name(entry: str) -> None:
    with pytest.raises(PatternError) as wrong:
        patterns("@good.test", entry)
    assert f'"{entry}"' in str(wrong.value)


# ── recipients ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_rails_everything_passes_untouched() -> None:
    admitted = GuardRails().admit(DRAFT, user="jane", required="all")
    assert admitted.draft is DRAFT
    assert admitted.left_out == ()
    GuardRails().check_size(10**9)


RAILS = GuardRails(
    allowed_recipients=patterns("@example.org", "eve@example.net"), denied_recipients=patterns("dora@example.org")
)


def test_when_all_are_required_one_forbidden_recipient_stops_the_mail() -> None:
    with pytest.raises(RecipientNotAllowed) as refused:
        RAILS.admit(DRAFT, user="", required="all")
    assert refused.value.details == {"rejected": [{"address": "carl@example.com"}, {"address": "dora@example.org"}]}
    assert "2 recipients, among them carl@example.com" in refused.value.message


def test_when_any_will_do_the_forbidden_are_left_out_and_told() -> None:
    admitted = RAILS.admit(DRAFT, user="", required="any")
    assert admitted.left_out == ("carl@example.com", "dora@example.org")
    assert everybody(admitted.draft) == ["bob@example.org", "eve@example.net"]
    assert (admitted.draft.to[0].name, admitted.draft.cc) == ("Bob", ())


@pytest.mark.parametrize(("required", "error"), [("all", RecipientNotAllowed), ("any", NoRecipientLeft)])
def test_a_mail_for_nobody_is_not_sent(required: Any, error: type[InputError]) -> None:
    rails = GuardRails(denied_recipients=patterns("@example.org", "@example.com", "@example.net"))
    with pytest.raises(error):
        rails.admit(DRAFT, user="", required=required)


@pytest.mark.parametrize(
    "address",
    ["bob%evil.test@example.org", '"bob@evil.test"@example.org', "evil.test!bob@example.org", Mailbox("bob", "")],
)
@pytest.mark.parametrize(
    "rails",
    [
        GuardRails(allowed_recipients=patterns("@example.org")),
        GuardRails(denied_recipients=patterns("@evil.test")),
    ],
)
def test_what_a_server_may_read_as_another_address_is_refused(rails: GuardRails, address: Any) -> None:
    """Postfix sends bob%evil.test@example.org on to evil.test (allow_percent_hack), and completes bare names."""
    with pytest.raises(RecipientNotAllowed):
        rails.admit(to(address), user="", required="all")
    assert GuardRails().admit(to(address), user="", required="all").left_out == ()


def test_a_server_by_its_ip_address_must_be_allowed() -> None:
    with pytest.raises(RecipientNotAllowed):
        GuardRails(denied_recipients=patterns("@evil.test")).admit(to("a@[192.0.2.1]"), user="", required="all")
    rails = GuardRails(denied_recipients=patterns("@evil.test"), allowed_recipients=patterns("@[192.0.2.1]"))
    rails.admit(to("a@[192.0.2.1]"), user="", required="all")


@pytest.mark.parametrize("address", ["BOB@EXAMPLE.ORG", "bob+x@example.org", '"bob"@example.org'])
def test_a_denied_person_is_reached_under_no_other_spelling(address: str) -> None:
    rails = GuardRails(denied_recipients=patterns("bob@example.org"))
    with pytest.raises(RecipientNotAllowed):
        rails.admit(to(address), user="", required="all")


def test_each_address_counts_once_for_the_maximum() -> None:
    rails = GuardRails(max_recipients=4)
    rails.admit(replace(DRAFT, bcc=(*DRAFT.bcc, *DRAFT.to)), user="", required="all")
    with pytest.raises(TooManyRecipients) as refused:
        replace(rails, max_recipients=3).admit(DRAFT, user="", required="any")
    assert refused.value.details == {"recipients": 4, "limit": 3}


def test_who_is_left_out_does_not_count() -> None:
    admitted = replace(RAILS, max_recipients=2).admit(DRAFT, user="", required="any")
    assert len(everybody(admitted.draft)) == 2


def test_the_size_is_allowed_up_to_the_limit() -> None:
    rails = GuardRails(max_message_bytes=1000)
    rails.check_size(1000)
    with pytest.raises(MessageTooLarge) as refused:
        rails.check_size(1001)
    assert refused.value.details == {"sizeBytes": 1001, "limitBytes": 1000}
    assert "ZEEBE_MAIL_MAX_MESSAGE_BYTES" in refused.value.next_step


# ── redirecting ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_redirected_mail_goes_to_nobody_else_and_says_for_whom_it_was() -> None:
    draft = GuardRails(redirect_to=QA).admit(DRAFT, user="", required="all").draft
    assert everybody(draft) == ["qa@test.example", "lead@test.example"]
    assert draft.to == QA
    assert dict(draft.headers) == {
        "X-Original-To": "bob@example.org, carl@example.com",
        "X-Original-Cc": "dora@example.org",
        "X-Original-Bcc": "eve@example.net",
    }


def test_no_process_can_say_who_the_original_recipients_were() -> None:
    forged = replace(to("bob@example.org"), headers=(("x-original-CC", "ceo@example.org"), ("X-Order", "1")))
    draft = GuardRails(redirect_to=QA).admit(forged, user="", required="all").draft
    assert draft.headers == (("X-Order", "1"), ("X-Original-To", "bob@example.org"))
    assert GuardRails().admit(forged, user="", required="all").draft.headers == forged.headers


def test_a_test_stage_refuses_what_production_refuses() -> None:
    rails = replace(RAILS, redirect_to=QA)
    with pytest.raises(RecipientNotAllowed):
        rails.admit(DRAFT, user="", required="all")
    admitted = rails.admit(DRAFT, user="", required="any")
    assert everybody(admitted.draft) == ["qa@test.example", "lead@test.example"]
    assert admitted.left_out == ("carl@example.com", "dora@example.org")
    assert dict(admitted.draft.headers)["X-Original-To"] == "bob@example.org"


def test_a_redirected_mail_passes_again_as_it_is() -> None:
    """A draft that was kept is sent later, and goes through the rails twice."""
    rails = replace(RAILS, redirect_to=QA)
    once = rails.admit(to("bob@example.org"), user="", required="all").draft
    assert rails.admit(once, user="", required="all").draft == replace(once, headers=())


def test_a_mail_without_recipients_gets_none() -> None:
    assert everybody(GuardRails(redirect_to=QA).admit(to(()), user="", required="all").draft) == []


def test_the_maximum_counts_those_whom_the_process_named() -> None:
    rails = GuardRails(redirect_to=QA, max_recipients=3)
    with pytest.raises(TooManyRecipients):
        rails.admit(DRAFT, user="", required="all")
    replace(rails, max_recipients=1).admit(to("bob@example.org"), user="", required="all")


# ── senders ──────────────────────────────────────────────────────────────────────────────────────────────────────

SENDERS = GuardRails(
    allowed_senders={
        "*@example.org": patterns("@example.org", "*.example.org"),
        "Billing": patterns("billing@example.com"),
        "bill*": patterns("@bills.example"),
    }
)


@pytest.mark.parametrize(
    ("user", "changes"),
    [
        ("jane@example.org", {}),
        ("JANE@Example.org", {}),
        ("jane@example.org", {"authors": mailboxes("jane@mail.example.org")}),
        ("jane@example.org", {"sender": mailbox("office@example.org")}),
        ("jane@example.org", {"envelope_sender": "bounces@mail.example.org"}),
        ("jane@example.org", {"envelope_sender": ""}),
        ("billing", {"authors": mailboxes("billing@example.com")}),
        ("billing", {"authors": mailboxes("billing@example.com"), "envelope_sender": "x@bills.example"}),
    ],
)
def test_an_account_may_send_with_its_own_addresses(user: str, changes: dict[str, Any]) -> None:
    SENDERS.admit(replace(DRAFT, **changes), user=user, required="all")


@pytest.mark.parametrize(
    ("user", "changes", "field"),
    [
        ("jane@example.org", {"authors": mailboxes("ceo@example.com")}, "from"),
        ("jane@example.org", {"authors": mailboxes("jane@example.org, ceo@example.com")}, "from"),
        ("jane@example.org", {"sender": mailbox("ceo@example.com")}, "sender"),
        ("jane@example.org", {"envelope_sender": "ceo@example.com"}, "envelopeFrom"),
        ("jane@example.org", {"envelope_sender": '"a@example.org"@example.com'}, "envelopeFrom"),
        ("jane@example.org", {"authors": (Mailbox("jane", ""),)}, "from"),
        ("billing", {"authors": mailboxes("ceo@example.com")}, "from"),
        ("nobody", {}, "from"),
        ("", {}, "from"),
    ],
)
def test_an_account_must_not_send_with_another_address(user: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SenderNotAllowed) as refused:
        SENDERS.admit(replace(DRAFT, **changes), user=user, required="all")
    assert refused.value.details["field"] == field
    assert f"`request.{field}`" in refused.value.message


def test_a_star_is_every_account_and_none() -> None:
    GuardRails(allowed_senders={"*": patterns("@example.org")}).admit(DRAFT, user="", required="all")
