// SPDX-License-Identifier: MIT
import { gzipSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import type { SkepError } from "@skep/core";
import { extractVmlinux, findPayload } from "../../../src/kernels/bzimage.js";

const elf = Buffer.from("\x7fELF and what follows", "latin1");

/** A bzImage with only what a boot loader reads: `setupSectors` sectors of set-up code, then `padding` bytes, then the payload. */
function bzImage(payload: Buffer, { setupSectors = 2, padding = 16 } = {}): Buffer {
  const image = Buffer.alloc(((setupSectors || 4) + 1) * 512 + padding + payload.length + 32);
  image.writeUInt8(setupSectors, 0x1f1);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt32LE(padding, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, ((setupSectors || 4) + 1) * 512 + padding);
  return image;
}

test("the payload starts after the set-up sectors and the offset of the header", (t) => {
  const payload = gzipSync(elf);
  const found = findPayload(bzImage(payload, { setupSectors: 3, padding: 100 }));
  t.deepEqual(found, { offset: 4 * 512 + 100, length: payload.length, compression: "gzip" });
});

test("no set-up sectors mean four", (t) => {
  t.is(findPayload(bzImage(gzipSync(elf), { setupSectors: 0 })).offset, 5 * 512 + 16);
});

for (const [compression, magic] of [
  ["lz4", "02214c18"],
  ["xz", "fd377a585a00"],
  ["zstd", "28b52ffd"],
] as const) {
  test(`a payload of ${compression} is known by its first bytes`, (t) => {
    const payload = Buffer.concat([Buffer.from(magic, "hex"), Buffer.alloc(40)]);
    t.is(findPayload(bzImage(payload)).compression, compression);
  });
}

test("the ELF file comes out of its compression whole", async (t) => {
  t.deepEqual(await extractVmlinux(bzImage(gzipSync(elf))), elf);
});

test("a payload that is no ELF file is refused", async (t) => {
  const error = await t.throwsAsync(extractVmlinux(bzImage(gzipSync(Buffer.from("something else")))));
  t.is((error as SkepError).code, "SKEP_ERR_KERNEL");
});

test("an unknown compression is refused with the bytes that were seen", (t) => {
  t.throws(() => findPayload(bzImage(Buffer.from("deadbeef00", "hex"))), { message: /deadbeef/ });
});

test("no bytes make the reader read outside the image or throw anything but SKEP_ERR_KERNEL", (t) => {
  const header = fc.record({
    sectors: fc.nat(255),
    offset: fc.nat(0xffffffff),
    length: fc.nat(0xffffffff),
    magic: fc.boolean(),
    body: fc.uint8Array({ maxLength: 4096 }),
  });
  fc.assert(
    fc.property(header, ({ sectors, offset, length, magic, body }) => {
      const image = Buffer.alloc(Math.max(body.length, 0x250));
      image.set(body);
      image.writeUInt8(sectors, 0x1f1);
      if (magic) image.write("HdrS", 0x202, "latin1");
      image.writeUInt32LE(offset, 0x248);
      image.writeUInt32LE(length, 0x24c);
      try {
        const found = findPayload(image);
        t.true(found.offset + found.length <= image.length);
      } catch (error) {
        t.is((error as SkepError).code, "SKEP_ERR_KERNEL");
      }
    }),
  );
  t.pass();
});
