"""A gateway that is back is found within two seconds: the longest waits on the way add up to less."""

from zeebe_mail.zeebe.line import CHANNEL_OPTIONS
from zeebe_mail.zeebe.sources import LONGEST_PAUSE_S

GRPC_JITTER = 1.2  # https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md


def test_the_channels_back_off_and_our_own_pause_leave_time_to_connect() -> None:
    channel_s = dict(CHANNEL_OPTIONS)["grpc.max_reconnect_backoff_ms"] / 1000 * GRPC_JITTER
    assert channel_s + LONGEST_PAUSE_S < 1.5
