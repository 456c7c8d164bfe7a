// SPDX-License-Identifier: MIT

/** What a message says in its first bytes: enough to match it, without parsing the rest. */
export interface Message {
  /** The message itself, valid only while its record is. */
  readonly bytes: Buffer;
  readonly id: number;
  /** A response; otherwise a query. */
  readonly isAnswer: boolean;
  /** With the bits EDNS adds where the message has room for nothing else (RFC 6891, section 6.1.3). */
  readonly rcode: number;
  /** Records of the answer section, as the header claims. */
  readonly answerCount: number;
  /** What is asked; undefined when the message repeats no question, as some errors do. */
  readonly question: Question | undefined;
}

export interface Question {
  /** As on the wire, length bytes and all, in lower case: equal names have equal texts. See {@link nameText}. */
  readonly wireName: string;
  readonly type: number;
}

/** Bytes of the fixed part every message begins with (RFC 1035, section 4.1.1). */
export const HEADER_LENGTH = 12;
const LONGEST_NAME = 255;
const LONGEST_LABEL = 63;
/** DSO (RFC 8490) is the last one assigned. */
const LAST_OPCODE = 6;
const OPT = 41;

/**
 * True when these bytes may begin a message: a known opcode, a reserved bit that is zero, no more than one question. Needs
 * {@link HEADER_LENGTH} bytes at `at`.
 */
export function isHeader(bytes: Buffer, at: number): boolean {
  const opcode = (bytes[at + 2]! >> 3) & 15;
  const reserved = bytes[at + 3]! & 0x40;
  return opcode <= LAST_OPCODE && reserved === 0 && bytes[at + 4] === 0 && bytes[at + 5]! <= 1;
}

/** Reads the beginning of a message, which may be cut after its question. Undefined when it is none. Never throws. */
// hot
export function peek(bytes: Buffer): Message | undefined {
  if (bytes.length < HEADER_LENGTH || !isHeader(bytes, 0)) return undefined;
  const flags = bytes.readUInt16BE(2);
  let end = HEADER_LENGTH;
  let question: Question | undefined;
  if (bytes[5] === 1) {
    const nameEnd = endOfName(bytes, HEADER_LENGTH);
    if (nameEnd < 0 || nameEnd + 4 > bytes.length) return undefined;
    const wireName = bytes.toString("latin1", HEADER_LENGTH, nameEnd).toLowerCase();
    question = { wireName, type: bytes.readUInt16BE(nameEnd) };
    end = nameEnd + 4;
  }
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isAnswer: (flags & 0x8000) !== 0,
    rcode: (flags & 15) | (extendedRcode(bytes, end) << 4),
    answerCount: bytes.readUInt16BE(6),
    question,
  };
}

/** The offset behind a name that is not compressed, as that of a question; -1 when there is none. */
function endOfName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > LONGEST_LABEL) return -1;
    at += length + 1;
    if (at - start > LONGEST_NAME || at > bytes.length) return -1;
    if (length === 0) return at;
  }
}

/** Upper bits of the rcode in an OPT record, if that is all that follows the question: so servers refuse EDNS versions and cookies. */
function extendedRcode(bytes: Buffer, at: number): number {
  const onlyAdditional = bytes.readUInt32BE(6) === 0;
  if (!onlyAdditional || at + 6 > bytes.length || bytes[at] !== 0 || bytes.readUInt16BE(at + 1) !== OPT) return 0;
  return bytes[at + 5]!;
}

/** A wire name as people write it: `www.example.org`, `.` for the root; what is not printable as `\DDD` (RFC 4343, section 2.1). */
export function nameText(wireName: string): string {
  const labels: string[] = [];
  for (let at = 0; at < wireName.length;) {
    const length = wireName.charCodeAt(at);
    if (length === 0) break;
    labels.push(wireName.slice(at + 1, at + 1 + length).replace(/[^!-~]|[.\\]/g, escaped));
    at += length + 1;
  }
  return labels.join(".") || ".";
}

const escaped = (character: string): string =>
  character === "." || character === "\\" ? `\\${character}` : `\\${String(character.charCodeAt(0)).padStart(3, "0")}`;
