"""What matches criteria in an IMAP mailbox: the server's SEARCH, and a second look where SEARCH cannot say it all."""

from __future__ import annotations

from collections.abc import Sequence

from zeebe_mail.errors import MessageTooLarge, Unsupported
from zeebe_mail.mail.imap import ImapSession, Summary
from zeebe_mail.message.criteria import ALL, And, Attached, BodyIs, Criterion, Dated, HeaderIs, Not, Or
from zeebe_mail.message.header_fields import BLOCK_LIMIT, SUMMARY_FIELDS, read_header
from zeebe_mail.message.matching import Candidate, client_side, matches, server_side
from zeebe_mail.message.parse import MESSAGE_LIMIT
from zeebe_mail.message.reader import Reader

_IN_SUMMARIES = frozenset(name.lower() for name in SUMMARY_FIELDS)


def decides_alone(criterion: Criterion) -> bool:
    """Whether the server finds exactly what matches."""
    return client_side(criterion) == ALL


async def found(imap: ImapSession, criterion: Criterion) -> list[int]:
    """UIDs of the messages of the selected mailbox that match, ascending.

    Raises:
        Unsupported: the server does not know one of the keys.
    """
    return await matching(imap, await imap.search.uids(server_side(criterion)), client_side(criterion))


async def matching(
    imap: ImapSession, uids: Sequence[int], criterion: Criterion, reader: Reader | None = None
) -> list[int]:
    """Those of the messages that match, in the same order.

    Raises:
        Unsupported: bodies must be read for it, and there is no ``reader``.
    """
    if not uids or criterion == ALL:
        return list(uids)
    match criterion:
        case And(parts):
            for part in parts:
                uids = await matching(imap, uids, part, reader)
            return list(uids)
        case Or(parts):
            any_of = {uid for part in parts for uid in await matching(imap, uids, part, reader)}
            return [uid for uid in uids if uid in any_of]
        case Not(part):
            none_of = set(await matching(imap, uids, part, reader))
            return [uid for uid in uids if uid not in none_of]
        case HeaderIs() | Dated():
            summaries = await imap.fetch.summaries(uids, attachments=False)
            return [one.uid for one in summaries if await _is_one(imap, one, criterion)]
        case Attached():
            # Where a server does not tell, there may be some.
            return [one.uid for one in await imap.fetch.summaries(uids) if one.attachments != 0]
        case BodyIs():
            if reader is None:
                raise Unsupported("Only lists and searches can compare whole bodies.")
            return [uid for uid in uids if await _says(imap, uid, criterion, reader)]
        case _:
            known = set(await imap.search.uids(criterion))
            return [uid for uid in uids if uid in known]


async def _is_one(imap: ImapSession, summary: Summary, criterion: HeaderIs | Dated) -> bool:
    header = summary.header
    if isinstance(criterion, HeaderIs) and criterion.name.lower() not in _IN_SUMMARIES:
        header = await imap.fetch.header(summary.uid, limit=4 * BLOCK_LIMIT) or b""
    return matches(criterion, Candidate(read_header(header, 0, len(header)), received=summary.received))


async def _says(imap: ImapSession, uid: int, criterion: BodyIs, reader: Reader) -> bool:
    try:
        raw = await imap.fetch.message(uid, limit=MESSAGE_LIMIT)
    except MessageTooLarge:
        return False
    if raw is None:
        return False
    message = await reader.read(raw)
    return matches(criterion, Candidate(read_header(raw, 0, 0), text=message.all_text))
