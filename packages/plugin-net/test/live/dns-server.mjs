// SPDX-License-Identifier: MIT
// A DNS server that misbehaves as it is asked, over UDP: `node dns-server.mjs ADDRESS [PORT]`. Its first line says that it is
// ready.
// The first label of the name says how:
//   slowN     answers after N ms
//   never     does not answer
//   thirdly   answers when it is asked for the third time
//   twice     answers twice
//   wrong     sends an answer with another id, one to another question, then the right one
//   refused   answers with REFUSED and repeats no question
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { decode, encode } from "dns-packet";

const [address, port = "53"] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
const asked = new Map();

socket.on("message", async (message, { address: peer, port: peerPort }) => {
  const { id, questions } = decode(message);
  const [{ name, type }] = questions;
  const [how] = name.split(".");
  const answer = (changes = {}) =>
    socket.send(
      encode({
        type: "response",
        id,
        flags: 0x180,
        questions,
        answers: [{ type: "A", name, data: "192.0.2.77", ttl: 60 }],
        ...changes,
      }),
      peerPort,
      peer,
    );
  const key = `${peer} ${peerPort} ${id}`;
  asked.set(key, (asked.get(key) ?? 0) + 1);
  if (how.startsWith("slow")) {
    await sleep(Number(how.slice(4)));
    answer();
  } else if (how === "thirdly") {
    if (asked.get(key) === 3) answer();
  } else if (how === "twice") {
    answer();
    answer();
  } else if (how === "wrong") {
    answer({ id: id ^ 1 });
    answer({ questions: [{ name: "another.test", type }] });
    answer();
  } else if (how === "refused") {
    answer({ flags: 0x185, questions: [], answers: [] });
  } else if (how !== "never") {
    answer();
  }
});
socket.bind(Number(port), address, () => console.log(JSON.stringify({ pid: process.pid })));
