// SPDX-License-Identifier: MIT
// An HTTP server that answers everything. Its port is told on stdout.
import { createServer } from "node:http";

const server = createServer((_, response) => response.end("hello"));
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
