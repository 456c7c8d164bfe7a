# SPDX-License-Identifier: MIT
# Asks a server in TLS, over asyncio: `python3 asyncio-client.py PORT REQUESTS CONNECTIONS`, beginning at a line on stdin.
# Prints `ready`, and when it has all answers what it asked for and got: { "GET /path 200": count }.
import asyncio
import collections
import json
import ssl
import sys

port, requests, connections = map(int, sys.argv[1:4])
got = collections.Counter()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


async def worker(first):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    for index in range(first, requests, connections):
        path = ["/a", "/status/404", "/large"][index % 3]
        query = "?size=60000" if path == "/large" else ""
        writer.write(f"GET {path}{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length"))
        await reader.readexactly(length)
        got[f"GET {path} {head.split()[1]}"] += 1
    writer.close()


async def main():
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(worker(index) for index in range(connections)))
    print(json.dumps(got), flush=True)


asyncio.run(main())
