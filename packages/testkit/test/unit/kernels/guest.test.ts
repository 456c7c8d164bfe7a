// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { parseLdd } from "../../../src/kernels/base-image.js";
import { compareVersions, isOfSeries } from "../../../src/kernels/catalog.js";
import { avaScript } from "../../../src/kernels/commands/test.js";
import { jobImage } from "../../../src/kernels/guest.js";
import { LinePrefixer } from "../../../src/kernels/line-prefixer.js";
import { majorVersion, qemuArguments } from "../../../src/kernels/qemu.js";
import { guestCommands, guestManifest } from "../../../src/kernels/workspace-image.js";

test("a job fills whole sectors and always ends with a NUL byte", (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (script) => {
      const image = jobImage(script);
      const text = Buffer.from(script, "utf8");
      t.is(image.length % 512, 0);
      t.true(image.subarray(0, text.length).equals(text));
      t.true(image.length > text.length && image.subarray(text.length).every((byte) => byte === 0));
    }),
  );
});

test("the guest resolves a package to what its sources became", (t) => {
  const source = { "skep-source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" };
  t.deepEqual(guestManifest({ name: "x", exports: { ".": source, "./package.json": "./package.json" } }), {
    name: "x",
    exports: { ".": "./src/index.js", "./package.json": "./package.json" },
  });
});

test("a package's command runs from its sources in the guest", (t) => {
  t.deepEqual(guestCommands({ bin: { skep: "./dist/main.js" } }, "cli"), {
    skep: '#!/bin/sh\nexec node /skep/packages/cli/src/main.js "$@"\n',
  });
  t.deepEqual(guestCommands({}, "core"), {});
});

test("libraries are found in ldd's output, the linker itself too, the virtual one not", (t) => {
  const text = [
    "\tlinux-vdso.so.1 (0x00007fff)",
    "\tlibelf.so.1 => /lib/x86_64-linux-gnu/libelf.so.1 (0x00007f1)",
    "\t/lib64/ld-linux-x86-64.so.2 (0x00007f2)",
    "\tlibgone.so.3 => not found",
  ].join("\n");
  t.deepEqual(parseLdd(text), ["/lib/x86_64-linux-gnu/libelf.so.1", "/lib64/ld-linux-x86-64.so.2"]);
});

test("a series has its own releases only", (t) => {
  t.true(isOfSeries("6.1.176-1", "6.1"));
  t.true(isOfSeries("6.1", "6.1"));
  t.false(isOfSeries("6.12.107-1", "6.1"));
});

test("versions compare as numbers", (t) => {
  t.true(compareVersions("6.12.107-1", "6.12.95-1") > 0);
  t.true(compareVersions("5.10.223-1", "5.9-1") > 0);
  t.is(compareVersions("6.1.176-1", "6.1.176-1"), 0);
});

test("QEMU's version is read from what it prints", (t) => {
  t.is(majorVersion("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)"), 10);
  t.is(majorVersion("something else"), 0);
});

test("no machine asks for hardware virtualisation or writes to a shared image", (t) => {
  const disks = ["a.ext4", "b.ext4"];
  const args = qemuArguments({ vmlinux: "v", initramfs: "i", disks, append: "lockdown=integrity", interactive: false });
  t.is(args[args.indexOf("-accel") + 1], "tcg,thread=multi");
  t.false(args.some((argument) => argument.includes("kvm")));
  t.is(args.filter((argument) => argument.includes("snapshot=on")).length, disks.length);
  t.true(args.at(-1)?.endsWith(" lockdown=integrity"));
});

test("test files are named to ava as JavaScript and quoted for the shell", (t) => {
  const script = avaScript(["packages/*/test/live/**/*.test.ts", "it's.test.ts"], 60);
  t.true(script.endsWith(` --timeout 60s 'packages/*/test/live/**/*.test.js' 'it'\\''s.test.js'`));
});

test("only tests with a title are asked for as ava asks, quoted for the shell", (t) => {
  const script = avaScript(["a.test.ts"], 60, "*it's here*");
  t.true(script.endsWith(` --match '*it'\\''s here*' 'a.test.js'`));
});

test("prefixed output keeps the lines of a machine whole", (t) => {
  let written = "";
  const lines = new LinePrefixer({ write: (bytes: Buffer) => ((written += bytes.toString()), true) }, "6.1 | ");
  for (const chunk of ["one\ntw", "o\n", "three"]) lines.write(Buffer.from(chunk));
  lines.end();
  t.is(written, "6.1 | one\n6.1 | two\n6.1 | three\n");
});
