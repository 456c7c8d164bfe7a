// SPDX-License-Identifier: MIT

import type { LearnedName } from "@skep/core";
import { type Answer, decode, type StringAnswer } from "dns-packet";
import { HEADER_LENGTH } from "./message.js";

/** Records looked at in one answer. Bounds the work on a message that was made to cost. */
const MOST_RECORDS = 64;

/**
 * The addresses in an answer, all under `name`, which was asked for: those of that name itself and of what its CNAMEs lead
 * to. Empty when the message cannot be parsed. Never throws.
 */
export function addressesOf(message: Buffer, name: string): readonly LearnedName[] {
  try {
    return addressesIn(message, name);
  } catch {
    return [];
  }
}

function addressesIn(message: Buffer, name: string): LearnedName[] {
  const { questions, answers } = decode(answerSectionOf(message));
  const asked = questions?.[0]?.name;
  if (asked === undefined || answers === undefined) return [];
  const aliases = aliasesOf(asked.toLowerCase(), answers.filter(isAlias));
  return answers
    .filter(isAddress)
    .filter((record) => aliases.has(record.name.toLowerCase()))
    .map((record) => ({ ip: record.data, name, ttlSeconds: record.ttl ?? 0 }));
}

const isAlias = (record: Answer): record is StringAnswer => record.type === "CNAME";
const isAddress = (record: Answer): record is StringAnswer => record.type === "A" || record.type === "AAAA";

/** `name` and all that CNAMEs make of it, in whatever order they come. */
function aliasesOf(name: string, records: readonly StringAnswer[]): ReadonlySet<string> {
  const aliases = new Set([name]);
  for (let before = 0; before < aliases.size;) {
    before = aliases.size;
    for (const record of records) {
      if (aliases.has(record.name.toLowerCase())) aliases.add(record.data.toLowerCase());
    }
  }
  return aliases;
}

/** The message without what follows its answers, and without more of those than are looked at. */
function answerSectionOf(message: Buffer): Buffer {
  if (message.length < HEADER_LENGTH) return message;
  const section = Buffer.from(message);
  section.writeUInt16BE(Math.min(section.readUInt16BE(6), MOST_RECORDS), 6);
  section.writeUInt32BE(0, 8);
  return section;
}
