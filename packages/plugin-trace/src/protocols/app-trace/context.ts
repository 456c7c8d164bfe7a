// SPDX-License-Identifier: MIT

/** What headers of an application say of the trace a request belongs to. */
export interface AppContext {
  /** 128 and 64 bits; never zero. Absent where headers say only whether to keep the trace. */
  readonly ids?: {
    readonly trace: bigint;
    readonly parent: bigint;
    /** How those who made them write ids. */
    readonly encoding: "hex" | "dec";
  };
  /** Whether the trace shall be kept; absent where nobody has decided. */
  readonly isSampled?: boolean;
}

/** A number in hexadecimal digits, at most `most` of them; zero for what is none. */
export function hex(text: string | undefined, most: number): bigint {
  return text !== undefined && text.length <= most && /^[0-9a-fA-F]+$/.test(text) ? BigInt(`0x${text}`) : 0n;
}

/** A context with both ids, or what is left of it without. */
export function contextOf(
  trace: bigint,
  parent: bigint,
  isSampled: boolean | undefined,
  encoding: "hex" | "dec" = "hex",
): AppContext | undefined {
  const sampled = isSampled === undefined ? {} : { isSampled };
  if (trace !== 0n && parent !== 0n) return { ids: { trace, parent, encoding }, ...sampled };
  return isSampled === undefined ? undefined : sampled;
}
