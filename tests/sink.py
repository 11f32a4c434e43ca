"""A mail server in a process of its own that writes down what it accepts before it says so.

    python -m tests.sink PORT_FILE LEDGER

Each line of the ledger is a Message-ID and a recipient. Quick: one protocol, no library.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"
_FEATURES = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class Sink(asyncio.Protocol):
    """One conversation."""

    def __init__(self, ledger: int) -> None:
        self._ledger = ledger
        self._buffer = bytearray()
        self._in_data = False
        self._recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._content() if self._in_data else self._command():
            pass

    def _content(self) -> bool:
        end = self._buffer.find(_END)
        if end < 0:
            return False
        found = _MESSAGE_ID.search(self._buffer, 0, end)
        line = (found[1] if found else b"?") + b" " + self._recipient + b"\n"
        if self._ledger:
            os.write(self._ledger, line)
        del self._buffer[: end + len(_END)]
        self._in_data = False
        self._transport.write(b"250 2.0.0 kept\r\n")
        return True

    def _command(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._transport.write(_FEATURES)
        elif verb == b"DATA":
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            if verb == b"RCPT":
                self._recipient = line[line.find(b"<") + 1 : line.rfind(b">")]
            self._transport.write(b"250 2.0.0 ok\r\n")
        return True


async def serve(tell: Callable[[int], object], ledger_file: Path) -> None:
    """Listen until killed. The ledger is append-only; each line is written before its 250."""
    ledger = os.open(ledger_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(ledger), "127.0.0.1", 0)
    tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    port_file = Path(sys.argv[1])
    uvloop.run(serve(lambda port: port_file.write_text(str(port)), Path(sys.argv[2])))
