// SPDX-License-Identifier: MIT

/** What the arguments of a method are that matter, in their order. */
type Argument = "queue" | "exchange" | "routingKey" | "other";

/** A method that a client calls. */
export interface Method {
  readonly name: string;
  /** Names behind two bytes that mean nothing. */
  readonly arguments: readonly Argument[];
  /** Methods that answer, by their numbers; none: it is not answered. */
  readonly replies: readonly number[];
}

export const ClassId = {
  CONNECTION: 10,
  CHANNEL: 20,
  EXCHANGE: 40,
  QUEUE: 50,
  BASIC: 60,
  CONFIRM: 85,
  TX: 90,
} as const;

export const classNames: ReadonlyMap<number, string> = new Map(
  Object.entries(ClassId).map(([name, id]) => [id, name.toLowerCase()]),
);

/** Class and method as one number. */
export const methodId = (classId: number, method: number): number => classId * 65_536 + method;
const { CONNECTION, CHANNEL, EXCHANGE, QUEUE, BASIC, CONFIRM, TX } = ClassId;

export const CONNECTION_OPEN = methodId(CONNECTION, 40);
export const CONNECTION_CLOSE = methodId(CONNECTION, 50);
export const CHANNEL_OPEN = methodId(CHANNEL, 10);
export const CHANNEL_CLOSE = methodId(CHANNEL, 40);
export const CONFIRM_SELECT = methodId(CONFIRM, 10);
export const PUBLISH = methodId(BASIC, 40);
export const BASIC_ACK = methodId(BASIC, 80);
export const BASIC_NACK = methodId(BASIC, 120);

const table: readonly (readonly [number, number, string, readonly Argument[], readonly number[]])[] = [
  [EXCHANGE, 10, "declare", ["exchange"], [11]],
  [EXCHANGE, 20, "delete", ["exchange"], [21]],
  [EXCHANGE, 30, "bind", ["exchange", "other", "routingKey"], [31]],
  [EXCHANGE, 40, "unbind", ["exchange", "other", "routingKey"], [51]],
  [QUEUE, 10, "declare", ["queue"], [11]],
  [QUEUE, 20, "bind", ["queue", "exchange", "routingKey"], [21]],
  [QUEUE, 30, "purge", ["queue"], [31]],
  [QUEUE, 40, "delete", ["queue"], [41]],
  [QUEUE, 50, "unbind", ["queue", "exchange", "routingKey"], [51]],
  [BASIC, 10, "qos", [], [11]],
  [BASIC, 20, "consume", ["queue"], [21]],
  [BASIC, 30, "cancel", [], [31]],
  [BASIC, 40, "publish", ["exchange", "routingKey"], []],
  [BASIC, 70, "get", ["queue"], [71, 72]],
  [BASIC, 110, "recover", [], [111]],
  [CONFIRM, 10, "select", [], [11]],
  [TX, 10, "select", [], [11]],
  [TX, 20, "commit", [], [21]],
  [TX, 30, "rollback", [], [31]],
];

/** Methods that are calls. */
export const methods: ReadonlyMap<number, Method> = new Map(
  table.map(([classId, method, name, args, replies]) => [
    methodId(classId, method),
    {
      name: `${classNames.get(classId)}.${name}`,
      arguments: args,
      replies: replies.map((id) => methodId(classId, id)),
    },
  ]),
);

/** Names of methods that answer. */
export const replyNames: ReadonlyMap<number, string> = new Map([
  ...table.flatMap(([classId, , name, , replies]) =>
    replies.map((id) => [methodId(classId, id), `${classNames.get(classId)}.${name}-ok`] as const),
  ),
  [methodId(BASIC, 72), "basic.get-empty"],
  [BASIC_ACK, "basic.ack"],
  [BASIC_NACK, "basic.nack"],
  [CHANNEL_CLOSE, "channel.close"],
  [CONNECTION_CLOSE, "connection.close"],
]);

/** Text of at most 255 bytes; empty where it is cut. */
export function shortString(bytes: Buffer, at: number): { readonly text: string; readonly end: number } {
  const end = at + 1 + (bytes[at] ?? 0);
  return { text: end <= bytes.length ? bytes.toString("utf8", at + 1, end) : "", end };
}
