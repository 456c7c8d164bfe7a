// SPDX-License-Identifier: MIT

/** Number of a type within one BTF; 0 is `void`. */
export type TypeId = number;

/** A member of a struct or union as BTF has it. */
export interface BtfMember {
  /** Empty for anonymous inner structs and unions. */
  readonly name: string;
  readonly type: TypeId;
  readonly bitOffset: number;
  /** Width of a bitfield; 0 for an ordinary member. */
  readonly bitSize: number;
}

/** One type of a BTF section: https://docs.kernel.org/bpf/btf.html. Sizes are bytes. */
export type BtfType =
  | { readonly kind: "void" }
  | {
      readonly kind: "int";
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly bool: boolean;
      /** Width in bits: less than `8 * size` only in bitfields of old compilers. */
      readonly bits: number;
    }
  | { readonly kind: "float"; readonly name: string; readonly size: number }
  | { readonly kind: "ptr"; readonly type: TypeId }
  | { readonly kind: "array"; readonly type: TypeId; readonly length: number }
  | {
      readonly kind: "struct" | "union";
      readonly name: string;
      readonly size: number;
      readonly members: readonly BtfMember[];
    }
  | {
      readonly kind: "enum";
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly { readonly name: string; readonly value: bigint }[];
    }
  | { readonly kind: "fwd"; readonly name: string; readonly of: "struct" | "union" }
  | { readonly kind: "typedef" | "type_tag"; readonly name: string; readonly type: TypeId }
  | { readonly kind: "volatile" | "const" | "restrict"; readonly type: TypeId }
  | { readonly kind: "func"; readonly name: string; readonly type: TypeId }
  | {
      readonly kind: "func_proto";
      readonly type: TypeId;
      readonly parameters: readonly { readonly name: string; readonly type: TypeId }[];
    }
  | { readonly kind: "var"; readonly name: string; readonly type: TypeId; readonly linkage: number }
  | {
      readonly kind: "datasec";
      readonly name: string;
      readonly size: number;
      readonly variables: readonly { readonly type: TypeId; readonly offset: number; readonly size: number }[];
    }
  | { readonly kind: "decl_tag"; readonly name: string; readonly type: TypeId; readonly component: number };

/** A struct or union type. */
export type BtfComposite = Extract<BtfType, { kind: "struct" | "union" }>;
