// SPDX-License-Identifier: MIT
// Just enough of DNS (RFC 1035) for a question and its answer.

const HEADER = 12;
const NOT_FOUND = 3;

/** A question for the IPv4 address of `name`. */
export function question(id, name) {
  const labels = name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2); // recursion desired
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

/** The answer: 192.0.2.1, or that there is no such name when it begins with `no-`. */
export function answer(asked) {
  const header = Buffer.from(asked.subarray(0, HEADER));
  const exists = asked.toString("latin1", HEADER + 1, HEADER + 4) !== "no-";
  header.writeUInt16BE(exists ? 0x8180 : 0x8180 | NOT_FOUND, 2);
  header.writeUInt16BE(exists ? 1 : 0, 6);
  const record = [0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
  return Buffer.concat([header, asked.subarray(HEADER), Buffer.from(exists ? record : [])]);
}

export const rcodeOf = (message) => message.readUInt16BE(2) & 15;
