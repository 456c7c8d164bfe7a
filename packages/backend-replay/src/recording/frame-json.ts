// SPDX-License-Identifier: MIT
// What the JSON inside frames must look like. All throw `SKEP_ERR_RECORDING`.

import { SkepError } from "@skep/core";
import type { Answer, Failure, StreamDeclaration, Told, Turn } from "./frame.js";
import { fromPlain } from "./plain-value.js";
import { count, layout, object, text } from "./json-shape.js";
import { malformed } from "./malformed.js";

/** The object a payload holds as JSON. */
export function json(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(Buffer.from(payload).toString("utf8")), "a frame");
  } catch (error) {
    throw error instanceof SkepError ? error : malformed("a frame that should be JSON is not", error);
  }
}

export function declaration(plain: Readonly<Record<string, unknown>>): StreamDeclaration {
  const name = text(plain["name"], "stream.name");
  switch (plain["kind"]) {
    case "ring":
      return { kind: "ring", name, size: count(plain["size"], "ring.size") };
    case "iterator":
      return { kind: "iterator", name, ...(plain["pid"] === undefined ? {} : { pid: count(plain["pid"], "pid") }) };
    case "map":
      return {
        kind: "map",
        name,
        type: text(plain["type"], "map.type"),
        keySize: count(plain["keySize"], "map.keySize"),
        valueSize: count(plain["valueSize"], "map.valueSize"),
        maxEntries: count(plain["maxEntries"], "map.maxEntries"),
      };
    default:
      throw malformed(`a stream of unknown kind ${String(plain["kind"])}`);
  }
}

export function answer(plain: Readonly<Record<string, unknown>>): Answer {
  const name = text(plain["name"], "answer.name");
  switch (plain["ask"]) {
    case "hasMap":
    case "hasProgram":
      return { ask: plain["ask"], name, yes: plain["yes"] === true };
    case "layoutOf":
      return { ask: "layoutOf", name, ...(plain["layout"] === undefined ? {} : { layout: layout(plain["layout"]) }) };
    default:
      throw malformed(`an answer to the unknown question ${String(plain["ask"])}`);
  }
}

const operations = ["read", "scan", "lookup", "update", "delete", "attach", "attachTo"] as const;

export function failure(plain: Readonly<Record<string, unknown>>): Failure {
  const operation = operations.find((known) => known === plain["operation"]);
  if (operation === undefined) throw malformed(`a failure of unknown operation ${String(plain["operation"])}`);
  return {
    operation,
    name: text(plain["name"], "failure.name"),
    code: text(plain["code"], "failure.code"),
    message: text(plain["message"], "failure.message"),
  };
}

export function told(plain: Readonly<Record<string, unknown>>): Told {
  const key = text(plain["key"], "told.key");
  return plain["value"] === undefined ? { key } : { key, value: fromPlain(plain["value"]) };
}

export function turn(plain: Readonly<Record<string, unknown>>): Turn {
  switch (plain["why"]) {
    case "flush": {
      const time = fromPlain(plain["time"]);
      if (typeof time !== "bigint") throw malformed("a flush without its time");
      return { why: "flush", time, ...(plain["isLast"] === true && { isLast: true }) };
    }
    case "every":
      return { why: "every", timer: count(plain["timer"], "turn.timer") };
    case "wake":
      return { why: "wake", sleep: count(plain["sleep"], "turn.sleep") };
    default:
      throw malformed(`a turn for the unknown reason ${String(plain["why"])}`);
  }
}
