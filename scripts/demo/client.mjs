// SPDX-License-Identifier: MIT
// Asks the server until told to stop: `client.mjs MODE ENDPOINT`, MODE is one of the behaviours below.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { question, rcodeOf } from "./dns.mjs";
import { Customer } from "./http.mjs";
import { Truth } from "./truth.mjs";

const [mode, endpointText] = process.argv.slice(2);
const { family, host, port, backend } = JSON.parse(endpointText);
const truth = new Truth(backend);
let stopping = false;
process.once("message", () => (stopping = true));

/** A request of `size` bytes for an answer of `answer` bytes. */
function request(size, answer) {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(answer, 0);
  return bytes;
}

async function open() {
  const socket = connect(port, host);
  await once(socket, "connect");
  truth.follow(socket, family, "outgoing");
  return socket;
}

async function ask(socket, size, answer) {
  socket.write(request(size, answer));
  for (let missing = answer; missing > 0;) missing -= (await once(socket, "data"))[0].length;
}

async function close(socket) {
  const closed = once(socket, "close");
  socket.resume().end();
  await closed;
}

const behaviours = {
  /** One connection for the whole time, as a connection pool keeps. */
  async pooled() {
    const socket = await open();
    for (let i = 0; !stopping; i++) {
      await ask(socket, 100 + (i % 50), 1000 + i);
      await pause(40);
    }
    await close(socket);
  },

  /** A new connection for each request, gone within a millisecond or two. */
  async short() {
    for (let i = 0; !stopping; i++) {
      const socket = await open();
      await ask(socket, 64, 512);
      await close(socket);
      if (i % 10 === 9) await pause(200);
    }
  },

  async datagrams() {
    const socket = createSocket(family === "IPv4" ? "udp4" : "udp6");
    const row = truth.of("udp", family, "outgoing");
    socket.on("message", (answer) => (row.counters.bytes_read += answer.length));
    while (!stopping) {
      const answered = once(socket, "message");
      socket.send(request(48, 200), port, host, (error, sent) => {
        if (!error) row.counters.bytes_written += sent;
      });
      await answered;
      await pause(60);
    }
    socket.close();
  },

  /** Asks for names, some of which are not there. */
  async resolver() {
    const socket = createSocket("udp4");
    const row = truth.of("udp", family, "outgoing");
    for (let id = 1; !stopping; id++) {
      const answered = once(socket, "message");
      const name = `${id % 4 === 0 ? "no-" : ""}shop.example`;
      socket.send(question(id % 65536, name), port, host, (error, sent) => {
        if (!error) row.counters.bytes_written += sent;
      });
      const [message] = await answered;
      row.counters.bytes_read += message.length;
      truth.dns(family, "outgoing", rcodeOf(message)).counters.count++;
      await pause(100);
    }
    socket.close();
  },

  /** A browser: HTTP requests one after another on a connection that is kept. */
  async customer() {
    const customer = new Customer(truth, { family, host, port });
    while (!stopping) {
      await customer.visit();
      await pause(25);
    }
    await customer.leave();
  },
};

process.title = `demo-${mode}`; // at most 15 bytes: the kernel keeps no more
await behaviours[mode]();
process.send({ rows: truth.rows() }, () => process.exit());
