// SPDX-License-Identifier: MIT
// The load of soak.ts, in a network namespace of its own: HTTP at a steady rate over connections that come and go, DNS, and lines
// typed into a bash. Writes what it did into a file: what an observer must have seen.
//
//   soak-load.mjs SECONDS REQUESTS_PER_SECOND BASH FILE
import { fork, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const bodyBytes = 512;
const paths = 40;
const connections = 50;
/** Requests after which a connection is given up for another. */
const perConnection = 400;

if (process.argv[2] === "serve") {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    response.setHeader("content-length", bodyBytes);
    response.end("x".repeat(bodyBytes));
  });
  server.keepAliveTimeout = 0;
  server.listen(8080, "127.0.0.1", () => process.send("listening"));
  process.once("disconnect", () => {
    server.closeAllConnections();
    server.close();
  });
} else {
  const [seconds, rate, bash, file] = process.argv.slice(2);
  await load(Number(seconds), Number(rate), bash, file);
}

async function load(seconds, rate, bash, file) {
  const did = { requests: 0, written: 0, read: 0, connections: 0, lines: 0, queries: 0 };
  const server = fork(new URL(import.meta.url), ["serve"]);
  await once(server, "message");
  const resolver = createSocket("udp4").bind(53, "127.0.0.1");
  resolver.on("message", (query, { port, address }) => {
    const answer = Buffer.concat([query, Buffer.from("c00c00010001000000ff0004c0000201", "hex")]);
    answer.writeUInt16BE(0x8180, 2);
    answer.writeUInt16BE(1, 6);
    resolver.send(answer, port, address);
  });
  await once(resolver, "listening");
  const shell = spawn(bash, ["--norc", "-i"], { stdio: ["pipe", "ignore", "ignore"] });
  const shellEnded = once(shell, "exit");
  // It is probed some milliseconds after it starts.
  await pause(1000);
  const asker = createSocket("udp4");
  asker.on("message", () => {});

  const begin = performance.now();
  const end = begin + seconds * 1000;
  /** Connections that wait for something to do. */
  const idle = [];
  let [open, due, busy] = [0, 0, 0];
  const give = (connection) => {
    if (performance.now() >= end) return connection.end();
    if (due < 1) return void idle.push(connection);
    due--;
    connection.ask();
  };
  const openOne = () => {
    open++;
    did.connections++;
    const socket = connect(8080, "127.0.0.1");
    let [asked, expected, got] = [0, 0, 0];
    const connection = {
      ask() {
        busy++;
        const request = `GET /thing/${did.requests++ % paths} HTTP/1.1\r\nhost: soak\r\n\r\n`;
        did.written += request.length;
        asked++;
        [expected, got] = [0, 0];
        socket.write(request);
      },
      end: () => socket.end(),
    };
    socket.setNoDelay(true);
    socket.on("connect", () => give(connection));
    socket.on("data", (bytes) => {
      did.read += bytes.length;
      got += bytes.length;
      const headEnd = expected === 0 ? bytes.indexOf("\r\n\r\n") : -1;
      if (headEnd >= 0) expected = headEnd + 4 + bodyBytes;
      if (expected === 0 || got < expected) return;
      busy--;
      if (asked < perConnection) return give(connection);
      socket.end();
    });
    socket.on("close", () => {
      open--;
      if (performance.now() < end) openOne();
    });
  };
  for (let count = 0; count < connections; count++) openOne();

  let told = begin;
  for (let tick = 0; performance.now() < end; tick++) {
    const now = performance.now();
    // What could not be sent in time is not made up for: a second's worth at most.
    due = Math.min(rate, due + ((now - told) / 1000) * rate);
    told = now;
    while (due >= 1 && idle.length > 0) give(idle.pop());
    if (tick % 10 === 0) query(asker, did.queries++);
    if (tick % 200 === 0) {
      did.lines++;
      shell.stdin.write(`echo line ${did.lines}\n`);
    }
    await pause(5);
  }
  while (busy > 0) await pause(10);
  for (const connection of idle) connection.end();
  while (open > 0) await pause(10);
  shell.stdin.end("exit\n");
  did.lines++;
  await shellEnded;
  await pause(200);
  asker.close();
  resolver.close();
  server.disconnect();
  await once(server, "exit");
  writeFileSync(file, JSON.stringify({ ...did, seconds: (performance.now() - begin) / 1000 }));
}

function query(socket, number) {
  const head = Buffer.from("000001000001000000000000", "hex");
  head.writeUInt16BE(number % 65_536, 0);
  const name = Buffer.from(`\x02h${number % 10}\x04test\0`, "latin1");
  socket.send(Buffer.concat([head, name, Buffer.from("00010001", "hex")]), 53, "127.0.0.1");
}
