"""Where servers listen, and how quickly what they say is sent."""

from __future__ import annotations

import socket

import pytest

from cards.errors import BogamError
from hub.listening import listening


def test_nothing_is_held_back_until_the_other_side_confirms() -> None:
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said() -> None:
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(BogamError, match=f"{port}.*another program"),
            listening("127.0.0.1", port),
        ):
            pass
