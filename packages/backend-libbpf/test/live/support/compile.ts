// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../../..", import.meta.url));
const architecture = process.arch === "arm64" ? "arm64" : "x64";

/** The object of `test/live/bpf/NAME.bpf.c`. In the guests of the kernel runner it is there; elsewhere it is built when needed. */
export async function compile(name: string): Promise<Uint8Array> {
  if (!process.env["SKEP_KERNEL"]) {
    const { buildObjects } = await import("@skep/bpf-toolchain");
    await buildObjects({
      directory,
      objects: { [name]: `test/live/bpf/${name}.bpf.c` },
      include: [`/usr/include/${architecture === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`],
      arch: [architecture],
      out: "dist/test-bpf",
      codecs: {},
    });
  }
  return readFileSync(`${directory}/dist/test-bpf/${name}.${architecture}.bpf.o`);
}
