// SPDX-License-Identifier: MIT
// A DNS client that counts and measures for itself. `node dns-client.mjs COMMAND JSON`; it answers with a line of JSON:
//   mixed    {servers, udp, tcp, sockets}  that many exchanges over each transport, spread over servers, sockets, names and types
//   ask      {server, name, atMs, waitMs}  one query, sent at each of `atMs`, under one id from one socket; tells when that was
//   fallback {server, name}                over UDP without EDNS, then over TCP when the answer is truncated
//   connect  {name, port}                  resolves a name as libc does and connects to it
// With `wait: true` it begins when a line comes on stdin.
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { decode, encode } from "dns-packet";

const nowNs = () => Number(process.hrtime.bigint());

const questions = [
  { name: "a.test", type: "A" },
  { name: "a.test", type: "AAAA" },
  { name: "alias.test", type: "A" },
  { name: "big.test", type: "TXT", edns: 4096 },
  { name: "missing.test", type: "A" },
];

const opt = (udpPayloadSize) => ({ type: "OPT", name: ".", udpPayloadSize, flags: 0, options: [] });
const queryOf = (id, { name, type = "A", edns }) =>
  encode({ type: "query", id, flags: 0x100, questions: [{ name, type }], additionals: edns ? [opt(edns)] : [] });
const rcodeOf = (message) => message[3] & 15;

/** Exchanges by family, transport and rcode. */
class Totals {
  #rows = new Map();

  add(server, transport, rcode, latencyNs) {
    const family = isIPv6(server) ? "IPv6" : "IPv4";
    const key = `${family} ${transport} ${rcode}`;
    const row = this.#rows.get(key) ?? { family, transport, rcode, count: 0, sumNs: 0, maxNs: 0 };
    row.count++;
    row.sumNs += latencyNs;
    row.maxNs = Math.max(row.maxNs, latencyNs);
    this.#rows.set(key, row);
  }

  get rows() {
    return [...this.#rows.values()];
  }
}

/** `count` exchanges from one socket, a few of them under way at once. */
async function overUdp(server, count, first, totals) {
  const socket = createSocket(isIPv6(server) ? "udp6" : "udp4");
  await new Promise((resolve, reject) => socket.connect(53, server, (error) => (error ? reject(error) : resolve())));
  const waiting = new Map();
  socket.on("message", (message) => {
    const asked = waiting.get(message.readUInt16BE(0));
    if (!asked) return;
    waiting.delete(message.readUInt16BE(0));
    totals.add(server, "udp", rcodeOf(message), nowNs() - asked.sentNs);
    asked.done();
  });
  // The same ids on every socket.
  let next = 0;
  const ask = async () => {
    while (next < count) {
      const id = next++;
      const query = queryOf(id, questions[(first + id) % questions.length]);
      await new Promise((done) => {
        waiting.set(id, { sentNs: nowNs(), done });
        socket.send(query);
      });
    }
  };
  await Promise.all([ask(), ask(), ask()]);
  socket.close();
}

/** `count` exchanges over one connection: several queries in a write, or one in several. */
async function overTcp(server, count, first, totals) {
  const socket = connect({ host: server, port: 53, noDelay: true });
  await once(socket, "connect");
  const waiting = new Map();
  let buffer = Buffer.alloc(0);
  let allDone;
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
      const message = buffer.subarray(2, 2 + buffer.readUInt16BE(0));
      buffer = buffer.subarray(2 + message.length);
      totals.add(server, "tcp", rcodeOf(message), nowNs() - waiting.get(message.readUInt16BE(0)));
      waiting.delete(message.readUInt16BE(0));
      if (waiting.size === 0) allDone();
    }
  });
  for (let id = 0; id < count;) {
    const many = Math.min(count - id, 1 + (id % 4));
    const done = new Promise((resolve) => (allDone = resolve));
    const framed = [];
    for (let last = id + many; id < last; id++) {
      const query = queryOf(id, questions[(first + id) % questions.length]);
      framed.push(Buffer.from([query.length >> 8, query.length & 255]), query);
      waiting.set(id, nowNs());
    }
    const bytes = Buffer.concat(framed);
    if (many === 1) {
      for (const cut of [bytes.subarray(0, 1), bytes.subarray(1, 9), bytes.subarray(9)]) {
        await new Promise((resolve) => socket.write(cut, resolve));
      }
    } else socket.write(bytes);
    await done;
  }
  socket.end();
  await once(socket, "close");
}

const commands = {
  async mixed({ servers, udp, tcp, sockets }) {
    const totals = new Totals();
    const share = (all, index) => Math.floor(all / sockets) + (index < all % sockets ? 1 : 0);
    for (let index = 0; index < sockets; index += 4) {
      const turn = Array.from({ length: Math.min(4, sockets - index) }, (_, at) => index + at);
      await Promise.all(
        turn.flatMap((at) => [
          overUdp(servers[at % servers.length], share(udp, at), at, totals),
          overTcp(servers[at % servers.length], share(tcp, at), at, totals),
        ]),
      );
    }
    return { totals: totals.rows };
  },

  async ask({ server, name, type, atMs = [0], waitMs = 1_000 }) {
    const socket = createSocket(isIPv6(server) ? "udp6" : "udp4");
    const query = queryOf(randomInt(65_536), { name, type });
    const answers = [];
    const sent = [];
    await new Promise((resolve) => socket.bind(resolve));
    const began = nowNs();
    socket.on("message", (message) => answers.push({ rcode: rcodeOf(message), afterNs: nowNs() - began }));
    for (const at of atMs) {
      await sleep(Math.max(0, at - (nowNs() - began) / 1e6));
      const fromNs = nowNs() - began;
      await new Promise((resolve) => socket.send(query, 53, server, resolve));
      sent.push({ fromNs, untilNs: nowNs() - began });
    }
    await Promise.race([sleep(waitMs), once(socket, "message")]);
    if (answers.length > 0) await sleep(50); // for more of them
    socket.close();
    return { sent, answers };
  },

  async fallback({ server, name, type = "TXT" }) {
    const socket = createSocket("udp4");
    socket.send(queryOf(1, { name, type }), 53, server);
    const [message] = await once(socket, "message");
    socket.close();
    const truncated = decode(message).flag_tc;
    const totals = new Totals();
    const stream = connect({ host: server, port: 53 });
    const query = queryOf(2, { name, type });
    stream.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]));
    let length = 0;
    let expected = Infinity;
    for await (const chunk of stream) {
      if (length === 0) expected = 2 + chunk.readUInt16BE(0);
      length += chunk.length;
      if (length >= expected) break;
    }
    return { truncated, length: expected - 2, totals: totals.rows };
  },

  async connect({ name, port }) {
    const { address } = await lookup(name, { family: 4 });
    const socket = connect({ host: address, port });
    await once(socket, "connect");
    socket.end("hello");
    socket.resume();
    await once(socket, "close");
    return { address };
  },
};

const [command, json] = process.argv.slice(2);
const plan = JSON.parse(json);
if (plan.wait) {
  console.log(JSON.stringify({ pid: process.pid }));
  await once(process.stdin, "data");
  process.stdin.destroy();
}
console.log(JSON.stringify({ pid: process.pid, ...(await commands[command](plan)) }));
process.exit(0);
