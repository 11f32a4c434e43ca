"""The mail server of the bench: takes everything, keeps nothing, costs as little as it can.

    python -m tests.bench.sink PORT_FILE [SECONDS_OF_LATENCY]

Latency is that of the network, there and back: each answer comes so much later.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

_END = b"\r\n.\r\n"
_FEATURES = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_OK, _GO, _KEPT, _BYE = b"250 2.0.0 ok\r\n", b"354 go on\r\n", b"250 2.0.0 kept\r\n", b"221 bye\r\n"


class Sink(asyncio.Protocol):
    """One conversation. Answers of one reading are written together."""

    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer, self._in_data = bytearray(), False
        self._say(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        seen = max(0, len(self._buffer) - len(_END))
        self._buffer += data
        answers = []
        while True:
            end = self._buffer.find(_END if self._in_data else b"\r\n", seen)
            if end < 0:
                break
            answers.append(_KEPT if self._in_data else self._answer(bytes(self._buffer[:4])))
            del self._buffer[: end + (len(_END) if self._in_data else 2)]
            self._in_data = answers[-1] is _GO
            seen = 0
        if answers:
            self._say(b"".join(answers))

    @staticmethod
    def _answer(verb: bytes) -> bytes:
        return {b"EHLO": _FEATURES, b"DATA": _GO, b"QUIT": _BYE}.get(verb, _OK)

    def _say(self, words: bytes) -> None:
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self._transport.write, words)
        else:
            self._transport.write(words)


async def serve(tell: Callable[[str], object]) -> None:
    """Tell the port, and listen until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, backlog=1024)
    tell(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    Sink.latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    uvloop.run(serve(Path(sys.argv[1]).write_text))
