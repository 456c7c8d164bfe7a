// SPDX-License-Identifier: MIT

import { BsonType, type Element, elements, stringOf } from "./bson.js";

/** A command without its values. */
export interface Command {
  readonly name: string;
  /** `find shop.orders {"filter":{"id":"?"}}` */
  readonly text: string;
}

/** What says nothing of what is asked. */
const OMITTED: ReadonlySet<string> = new Set([
  "$db",
  "lsid",
  "$clusterTime",
  "$readPreference",
  "txnNumber",
  "autocommit",
  "startTransaction",
  "readConcern",
  "writeConcern",
  "apiVersion",
]);
/** Documents that are stored: their shape is as long as it is uninteresting. */
const STORED: ReadonlySet<string> = new Set(["documents"]);
const LONGEST = 1024;
const MOST_DEPTH = 8;
const NAME = /^[A-Za-z_]\w{0,63}$/;

/** Reads the document of a command, of which the end may be missing. Undefined for what is none. */
export function readCommand(bytes: Buffer, at: number): Command | undefined {
  let name = "";
  let collection = "";
  let database = "";
  const parts: string[] = [];
  let length = 0;
  for (const element of elements(bytes, at)) {
    if (name === "") {
      if (!NAME.test(element.key)) return undefined;
      name = element.key;
      if (element.type === BsonType.STRING) collection = stringOf(bytes, element);
    } else if (element.key === "$db") database = stringOf(bytes, element);
    else if (!OMITTED.has(element.key) && length < LONGEST) {
      const part = `${JSON.stringify(element.key)}:${STORED.has(element.key) ? '"?"' : shapeOf(bytes, element, 0)}`;
      parts.push(part);
      length += part.length;
    }
  }
  if (name === "") return undefined;
  const target = [database, collection].filter((part) => part !== "").join(".");
  const shape = parts.length > 0 ? `{${parts.join(",")}}` : "";
  return {
    name,
    text: [name, target, shape]
      .filter((part) => part !== "")
      .join(" ")
      .slice(0, LONGEST),
  };
}

/** Names and nesting of a value; of an array those of its first document. */
function shapeOf(bytes: Buffer, { type, at }: Element, depth: number): string {
  const isArray = type === BsonType.ARRAY;
  if ((type !== BsonType.DOCUMENT && !isArray) || depth === MOST_DEPTH) return '"?"';
  const parts: string[] = [];
  let length = 0;
  for (const element of elements(bytes, at)) {
    const shape = shapeOf(bytes, element, depth + 1);
    if (isArray) return `[${shape}]`;
    const part = `${JSON.stringify(element.key)}:${shape}`;
    parts.push(part);
    length += part.length;
    if (length > LONGEST) break;
  }
  return isArray ? "[]" : `{${parts.join(",")}}`;
}
