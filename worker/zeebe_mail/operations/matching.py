"""What matches criteria in an IMAP mailbox: the server's SEARCH, and a second look where SEARCH cannot say it all."""

from __future__ import annotations

from collections.abc import Sequence

from zeebe_mail.mail.imap import SUMMARY_FIELDS, ImapSession, Summary
from zeebe_mail.message.criteria import ALL, And, Criterion, Dated, HeaderIs, Not, Or
from zeebe_mail.message.header_fields import BLOCK_LIMIT, read_header
from zeebe_mail.message.matching import Candidate, client_side, matches, server_side

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


async def matching(imap: ImapSession, uids: Sequence[int], criterion: Criterion) -> list[int]:
    """Those of the messages that match, in the same order."""
    if not uids or criterion == ALL:
        return list(uids)
    match criterion:
        case And(parts):
            for part in parts:
                uids = await matching(imap, uids, part)
            return list(uids)
        case Or(parts):
            any_of = {uid for part in parts for uid in await matching(imap, uids, part)}
            return [uid for uid in uids if uid in any_of]
        case Not(part):
            none_of = set(await matching(imap, uids, part))
            return [uid for uid in uids if uid not in none_of]
        case HeaderIs() | Dated():
            summaries = await imap.fetch.summaries(uids, attachments=False)
            return [one.uid for one in summaries if await _is_one(imap, one, criterion)]
        case _:
            known = set(await imap.search.uids(criterion))
            return [uid for uid in uids if uid in known]


async def _is_one(imap: ImapSession, summary: Summary, criterion: HeaderIs | Dated) -> bool:
    header = summary.header
    if isinstance(criterion, HeaderIs) and criterion.name.lower() not in _IN_SUMMARIES:
        header = await imap.fetch.header(summary.uid, limit=4 * BLOCK_LIMIT) or b""
    return matches(criterion, Candidate(read_header(header, 0, len(header)), received=summary.received))
