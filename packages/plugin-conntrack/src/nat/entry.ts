// SPDX-License-Identifier: MIT

/**
 * Where each part of an entry of connection tracking lies, in 32-bit words: those of struct nat_record (bpf/conntrack.h),
 * so that a record of the ring is one as it stands.
 */
export const Entry = {
  /** Four words of the original source, see addresses.ts. */
  src: 0,
  dst: 4,
  /** Source port in the lower half, destination port in the upper. */
  ports: 8,
  /** Inode number of the network namespace. */
  netns: 9,
  /** Zone in the lower half, then a byte of transport; the highest byte says what happened and is not part of the key. */
  kind: 10,
  /** Four words: where the packets really go. */
  nat: 11,
  /** In the lower half. */
  natPort: 15,
} as const;

export const ENTRY_WORDS = 16;

/** These say which entry it is, with {@link KEY_MASK} on the last. */
export const KEY_WORDS = 11;
export const KEY_MASK = 0x00ffffff;

/** IP protocol numbers. */
export const Transport = { TCP: 6, UDP: 17 } as const;

/** What happened to an entry: enum nat_kind of bpf/conntrack.h. */
export const Kind = { TRANSLATED: 1, ENDED: 2, PLAIN: 3 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export const kindOf = (entry: Uint32Array): number => entry[Entry.kind]! >>> 24;

/** Source translation alone leaves the destination as the client wrote it. */
export const isTranslated = (entry: Uint32Array): boolean =>
  (entry[Entry.natPort]! & 0xffff) !== entry[Entry.ports]! >>> 16 ||
  entry[Entry.nat] !== entry[Entry.dst] ||
  entry[Entry.nat + 1] !== entry[Entry.dst + 1] ||
  entry[Entry.nat + 2] !== entry[Entry.dst + 2] ||
  entry[Entry.nat + 3] !== entry[Entry.dst + 3];
