// SPDX-License-Identifier: MIT

import test from "ava";
import type { SkepError } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";

const codeOf = async (attempt: Promise<unknown>): Promise<SkepError> =>
  attempt.then(
    () => Promise.reject(new Error("it worked")),
    (error: SkepError) => error,
  );

test("a libbpf that is not there is told with the package that has it, and only when asked for", async (t) => {
  const backend = libbpfBackend({ libbpf: "/nonexistent/libbpf.so.1" });
  const error = await codeOf(backend.probe("map:ringbuf"));
  t.is(error.code, "SKEP_ERR_BACKEND_UNAVAILABLE");
  t.regex(error.message, /\/nonexistent\/libbpf\.so\.1 cannot be loaded: .*No such file/);
  t.regex(error.hint ?? "", /libbpf1.*LIBBPF_PATH/);
  await backend.close();
});

test("a library that is no libbpf is told so", async (t) => {
  const error = await codeOf(libbpfBackend({ libbpf: "libc.so.6" }).probe("map:ringbuf"));
  t.is(error.code, "SKEP_ERR_BACKEND_UNAVAILABLE");
  t.regex(error.message, /libc\.so\.6 is no libbpf/);
});

for (const [property, value, message] of [
  ["platform", "darwin", /eBPF needs Linux, this is darwin/],
  ["arch", "riscv64", /no support for riscv64/],
] as const) {
  test.serial(`${property} ${value} is told before anything is loaded`, async (t) => {
    const own = Object.getOwnPropertyDescriptor(process, property)!;
    t.teardown(() => Object.defineProperty(process, property, own));
    Object.defineProperty(process, property, { ...own, value });
    const error = await codeOf(libbpfBackend({ libbpf: "/nonexistent/libbpf.so.1" }).probe("map:ringbuf"));
    t.is(error.code, "SKEP_ERR_BACKEND_UNAVAILABLE");
    t.regex(error.message, message);
  });
}
