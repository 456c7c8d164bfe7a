// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { ControlReader } from "../../../src/kernels/control.js";

function read(chunks: readonly string[]): string[] {
  const seen: string[] = [];
  const reader = new ControlReader({
    boot: (release) => seen.push(`boot ${release}`),
    exit: (status) => seen.push(`exit ${status}`),
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk, "latin1"));
  return seen;
}

test("boot and exit are told in order", (t) => {
  t.deepEqual(read(["KMBOOT 6.1.0-50-cloud-amd64\nKMEXIT 3\n"]), ["boot 6.1.0-50-cloud-amd64", "exit 3"]);
});

test("lines may be cut anywhere", (t) => {
  const text = "KMBOOT 5.10.0\nKMEXIT 137\n";
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: text.length })), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      t.deepEqual(read(at.slice(1).map((end, index) => text.slice(at[index], end))), ["boot 5.10.0", "exit 137"]);
    }),
  );
});

test("an exit status without the end of its line is not believed", (t) => {
  t.deepEqual(read(["KMEXIT 1"]), []);
});

test("lines that only look like an exit status are left out", (t) => {
  t.deepEqual(read(["xKMEXIT 0\nKMEXIT\nKMEXIT zero\nKMEXIT 0 \n"]), []);
});
