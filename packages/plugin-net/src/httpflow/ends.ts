// SPDX-License-Identifier: MIT

import { Cursor } from "@skep/core";
import { httpEvent, httpExchange } from "../http-codec.gen.js";
import { EventFlag } from "./contract.js";

const at = (name: string): number => httpExchange.layout.fields.find((field) => field.name === name)!.offset;
const FLAGS = httpEvent.layout.fields.find(({ name }) => name === "flags")!.offset;
const TGID = at("tgid") >> 2;
const COMM = at("comm") >> 2;

/** Who a connection is between: a copy of a record's struct http_exchange, to be read like the record itself. */
export function endsOf(record: Cursor): Cursor {
  const { size } = httpExchange.layout;
  const copy = new Cursor(new ArrayBuffer(size));
  copy.bytes.set(record.bytes.subarray(record.at, record.at + size));
  copy.length = size;
  return copy;
}

/** The kernel knows better by now whose connection it is. */
export function nameOwner(ends: Cursor, pid: number, isAssumed: boolean): void {
  const flags = httpExchange.eventFlags(ends);
  const known = isAssumed ? flags | EventFlag.OWNER_ASSUMED : flags & ~EventFlag.OWNER_ASSUMED;
  ends.bytes[FLAGS] = known & 0xff;
  ends.bytes[FLAGS + 1] = known >> 8;
  if (ends.u32[TGID] === pid) return;
  ends.u32[TGID] = pid;
  // Its name is not told with it; an empty one is looked up.
  ends.u32.fill(0, COMM, COMM + 4);
}
