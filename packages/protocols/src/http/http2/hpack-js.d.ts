// SPDX-License-Identifier: MIT

/** The parts of hpack.js that are used. All throw for what is malformed. */
declare module "hpack.js" {
  export interface Field {
    readonly name: string;
    readonly value: string;
    readonly nameSize: number;
  }
  export interface Decoder {
    isEmpty(): boolean;
    push(bytes: Buffer): void;
    decodeBit(): number;
    decodeInt(): number;
    decodeStr(): ArrayLike<number>;
  }
  export interface Table {
    /** Bytes of its entries as RFC 7541 counts them. */
    readonly size: number;
    lookup(index: number): Field;
    add(name: string, value: string, nameSize: number, valueSize: number): void;
    updateSize(size: number): void;
  }
  const hpack: {
    readonly decoder: { create(): Decoder };
    readonly table: { create(options: { maxSize: number }): Table };
    readonly utils: { stringify(bytes: ArrayLike<number>): string };
  };
  // eslint-disable-next-line no-restricted-syntax -- as it is
  export default hpack;
}
