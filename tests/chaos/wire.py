"""A network between two processes that can be cut."""

import asyncio
import contextlib
import threading

from harness import free_ports


class Wire:
    """Forwards a port of its own to another one on loopback, until it is cut.

    A cut wire takes connections and bytes and delivers neither, as a network
    that drops packets does: nobody is told.
    """

    def __init__(self, target):
        self._target = target
        self.port = free_ports(1)
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._whole.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connect, "127.0.0.1", self.port),
            self._loop).result(10)

    def cut(self):
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self):
        self._loop.call_soon_threadsafe(self._whole.set)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _connect(self, reader, writer):
        await self._whole.wait()
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._forward(reader, there[1]),
                             self._forward(there[0], writer))

    async def _forward(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
