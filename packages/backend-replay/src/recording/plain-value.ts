// SPDX-License-Identifier: MIT

/** How a bigint is written in JSON, which has none: `{"n": "123"}`. */
interface WrittenBigint {
  readonly n: string;
}

/**
 * A value as JSON can hold it, for {@link fromPlain}. What an object computes (getters of its class) becomes a value; undefined
 * members go.
 */
export function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return { n: String(value) } satisfies WrittenBigint;
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    readable(value).flatMap((key) => {
      const member = toPlain((value as Record<string, unknown>)[key]);
      return member === undefined ? [] : [[key, member]];
    }),
  );
}

export function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || value === null) return value;
  const { n } = value as Partial<WrittenBigint>;
  if (typeof n === "string" && Object.keys(value).length === 1 && /^-?\d+$/.test(n)) return BigInt(n);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromPlain(member)]));
}

/** Whether {@link toPlain} keeps all of it: no functions, no promises, no maps. */
export function isPlainValue(value: unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isPlainValue);
  if (value instanceof Promise || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
    return false;
  return readable(value).every((key) => isPlainValue((value as Record<string, unknown>)[key]));
}

/** Names of an object's own members and of the getters of its class. */
function readable(value: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return Object.keys(value);
  const getters = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([, { get }]) => get !== undefined,
  );
  return [...Object.keys(value), ...getters.map(([key]) => key)];
}
