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
from zeebe_mail.message.content import Calendar
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.message.marks import Marks

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


def test_full_width_signs_route_no_mail_either() -> None:
    with pytest.raises(RecipientNotAllowed):
        RAILS.admit(to("bob\uff05evil.test@example.org"), user="", required="all")


def test_a_server_by_its_ip_address_must_be_allowed() -> None:
    with pytest.raises(RecipientNotAllowed):
        GuardRails(denied_recipients=patterns("@evil.test")).admit(to("a@[192.0.2.1]"), user="", required="all")
    rails = GuardRails(denied_recipients=patterns("@evil.test"), allowed_recipients=patterns("@[192.0.2.1]"))
    rails.admit(to("a@[192.0.2.1]"), user="", required="all")


@pytest.mark.parametrize(
    "address",
    [
        "BOB@EXAMPLE.ORG", "bob+x@example.org", '"bob"@example.org', "\uff42ob@example.org", '"bob "@example.org',
        '" bob"@example.org', "\uff22\uff2f\uff22@example.org", "bob@\uff45xample.org", "bob\uff0bx@example.org",
    ],
)  # fmt: skip
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


REPORTS = [
    ({"envelope_sender": "real@example.com"}, "envelopeFrom"),
    ({"marks": Marks(receipt_to=mailbox("real@example.com"))}, "readReceipt"),
    ({"headers": (("Errors-To", "real@example.com"),)}, "headers.Errors-To"),
    ({"headers": (("Return-Receipt-To", "jane@example.org, real@example.com"),)}, "headers.Return-Receipt-To"),
    ({"headers": (("return-path", "<real@example.com>"),)}, "headers.return-path"),
    ({"headers": (("Resent-To", "real@example.com"),)}, "headers.Resent-To"),
    ({"headers": (("Disposition-Notification-To", "??"),)}, "headers.Disposition-Notification-To"),
]
"""What lets a person hear of a mail who is none of its recipients."""


@pytest.mark.parametrize(("changes", "field"), REPORTS)
def test_a_redirected_mail_reports_to_nobody_else(changes: dict[str, Any], field: str) -> None:
    for user, bounces in (("jane@example.org", "jane@example.org"), ("app", "qa@test.example")):
        draft = GuardRails(redirect_to=QA).admit(replace(DRAFT, **changes), user=user, required="all").draft
        assert draft.envelope_sender == bounces
        assert draft.marks.receipt_to is None
        assert {name for name, _ in draft.headers} == {"X-Original-To", "X-Original-Cc", "X-Original-Bcc"}


@pytest.mark.parametrize("wanted", ["", "lead@test.example"])
def test_nobody_or_a_tester_may_get_the_bounces_of_a_redirected_mail(wanted: str) -> None:
    draft = replace(DRAFT, envelope_sender=wanted)
    redirected = GuardRails(redirect_to=QA).admit(draft, user="jane@example.org", required="all").draft
    assert redirected.envelope_sender == wanted


@pytest.mark.parametrize("required", ["all", "any"])
@pytest.mark.parametrize(
    "rails",
    [
        GuardRails(denied_recipients=patterns("@example.com")),
        GuardRails(allowed_recipients=patterns("bob@example.org")),
    ],
)
@pytest.mark.parametrize(("changes", "field"), REPORTS)
def test_reports_go_only_to_those_who_may_get_mail(
    rails: GuardRails, changes: dict[str, Any], field: str, required: Any
) -> None:
    with pytest.raises(RecipientNotAllowed) as refused:
        rails.admit(replace(to("bob@example.org"), **changes), user="", required=required)
    assert refused.value.details["field"] == field
    assert f"`request.{field}`" in refused.value.message


def test_whom_a_mail_is_from_may_hear_of_it() -> None:
    """Bounces come to him where nothing else is said."""
    rails = GuardRails(allowed_recipients=patterns("bob@example.org"))
    mine = {"envelope_sender": "account@example.net", "marks": Marks(receipt_to=DRAFT.authors[0])}
    draft = replace(to("bob@example.org"), **mine)
    assert rails.admit(draft, user="account@example.net", required="all").draft is draft


def test_answers_are_a_persons_own() -> None:
    rails = GuardRails(denied_recipients=patterns("@example.com"))
    draft = replace(to("bob@example.org"), reply_to=mailboxes("real@example.com"))
    assert rails.admit(draft, user="", required="all").draft is draft


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
    said = {"from": "in From.", "sender": "in Sender."}.get(field, f"`request.{field}`")
    assert said in refused.value.message


@pytest.mark.parametrize(
    "value", ["ceo@example.com", "Jane <jane@example.org>, ceo@example.com", "who?", "=?utf-8?q??="]
)
@pytest.mark.parametrize("name", ["Sender", "SENDER", "Resent-From", "resent-sender"])
def test_no_header_says_that_a_mail_is_from_somebody_else(name: str, value: str) -> None:
    """Headers come this way from a stored draft and from the face of Camunda's connector."""
    with pytest.raises(SenderNotAllowed) as refused:
        SENDERS.admit(replace(DRAFT, headers=((name, value),)), user="jane@example.org", required="all")
    assert refused.value.details["field"] == f"headers.{name}"
    SENDERS.admit(replace(DRAFT, headers=((name, "Jane <jane@example.org>"),)), user="jane@example.org", required="all")


def test_each_of_several_headers_is_looked_at() -> None:
    headers = (("Sender", "jane@example.org"), ("Sender", "ceo@example.com"))
    with pytest.raises(SenderNotAllowed):
        SENDERS.admit(replace(DRAFT, headers=headers), user="jane@example.org", required="all")


def test_an_account_invites_as_itself_only() -> None:
    def inviting(organizer: str) -> Draft:
        return replace(DRAFT, calendar=Calendar("REQUEST", b"", "1", 0, mailbox(organizer)))

    SENDERS.admit(inviting("office@example.org"), user="jane@example.org", required="all")
    with pytest.raises(SenderNotAllowed) as refused:
        SENDERS.admit(inviting("ceo@example.com"), user="jane@example.org", required="all")
    assert refused.value.details == {"field": "invitation.organizer", "address": "ceo@example.com"}


def test_a_star_is_every_account_and_none() -> None:
    GuardRails(allowed_senders={"*": patterns("@example.org")}).admit(DRAFT, user="", required="all")
