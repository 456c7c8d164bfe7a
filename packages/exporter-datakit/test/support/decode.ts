// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const file = fileURLToPath(new URL("../../proto/point.proto", import.meta.url));
const PBPoints = protobuf.loadSync(file).lookupType("PBPoints");

export interface DecodedPoint {
  readonly name: string;
  readonly time: bigint;
  readonly tags: Record<string, string>;
  readonly fields: Record<string, bigint | number | boolean | string>;
}

interface Wire {
  readonly arr: readonly {
    readonly name: string;
    readonly time: string;
    readonly fields: readonly {
      readonly key: string;
      readonly isTag?: boolean;
      readonly i?: string;
      readonly f?: number;
      readonly b?: boolean;
      readonly s?: string;
    }[];
  }[];
}

/** What a reader of the schema gets out of a body. */
export function decodePoints(body: Uint8Array): DecodedPoint[] {
  const wire = PBPoints.toObject(PBPoints.decode(body), { longs: String, arrays: true }) as Wire;
  return wire.arr.map(({ name, time, fields }) => ({
    name,
    time: BigInt(time),
    tags: Object.fromEntries(fields.filter(({ isTag }) => isTag).map(({ key, s }) => [key, s!])),
    fields: Object.fromEntries(
      fields
        .filter(({ isTag }) => !isTag)
        .map(({ key, i, f, b, s }) => [key, i === undefined ? (f ?? b ?? s!) : BigInt(i)]),
    ),
  }));
}

/** Google's own compiler reads it: undefined where it is not installed. */
export function protoc(body: Uint8Array): string | undefined {
  try {
    return execFileSync("protoc", ["--decode=PBPoints", `--proto_path=${file.replace(/\/[^/]*$/, "")}`, file], {
      input: body,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
