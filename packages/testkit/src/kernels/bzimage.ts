// SPDX-License-Identifier: MIT
import { gunzipSync } from "node:zlib";
import { SkepError } from "@skep/core";
import { execBytes } from "./exec.js";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Compression = "gzip" | "lz4" | "xz" | "zstd";

/** The compressed kernel inside a bzImage: bytes from `offset` to `offset + length`. */
export interface Payload {
  readonly offset: number;
  readonly length: number;
  readonly compression: Compression;
}

// https://www.kernel.org/doc/html/latest/arch/x86/boot.html
const setupSectors = 0x1f1;
const headerMagic = 0x202;
const payloadOffset = 0x248;
const payloadLength = 0x24c;
const sector = 512;

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Finds the compressed kernel in a bzImage. Throws `SKEP_ERR_KERNEL` when the file is not one. */
export function findPayload(image: Buffer): Payload {
  if (image.length < payloadLength + 4 || image.toString("latin1", headerMagic, headerMagic + 4) !== "HdrS") {
    throw new SkepError("SKEP_ERR_KERNEL", "the kernel image has no boot header: not a bzImage");
  }
  // A zero means four, for the sake of very old boot loaders.
  const sectors = image.readUInt8(setupSectors) || 4;
  const offset = (sectors + 1) * sector + image.readUInt32LE(payloadOffset);
  const length = image.readUInt32LE(payloadLength);
  if (length === 0 || offset + length > image.length) {
    throw new SkepError(
      "SKEP_ERR_KERNEL",
      `the kernel image is cut short: its payload ends at byte ${offset + length}`,
    );
  }
  const start = image.subarray(offset, offset + length);
  const compression = magics.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0];
  if (compression === undefined) {
    const seen = start.subarray(0, 4).toString("hex");
    throw new SkepError(
      "SKEP_ERR_KERNEL",
      `the kernel image is compressed in a way not known here (starts with ${seen})`,
    );
  }
  return { offset, length, compression };
}

/**
 * The ELF kernel inside a bzImage. QEMU enters it directly (PVH), which spares the emulated machine the decompression:
 * a boot takes three seconds instead of five.
 */
export async function extractVmlinux(image: Buffer): Promise<Buffer> {
  const { offset, length, compression } = findPayload(image);
  const payload = image.subarray(offset, offset + length);
  const elf = compression === "gzip" ? gunzipSync(payload) : await decompress(payload, compression);
  if (elf.toString("latin1", 0, 4) !== "\x7fELF") {
    throw new SkepError("SKEP_ERR_KERNEL", "the kernel image does not hold an ELF file");
  }
  return elf;
}

async function decompress(payload: Buffer, program: Exclude<Compression, "gzip">): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "skep-vmlinux-"));
  try {
    const file = join(folder, "payload");
    // The kernel's build appends the unpacked size, which the command-line tools would take for damage.
    await writeFile(file, payload.subarray(0, -4));
    return await execBytes(program, ["-d", "-c", file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
