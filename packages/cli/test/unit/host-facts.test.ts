// SPDX-License-Identifier: MIT

import test from "ava";
import { formatDiagnosis } from "../../src/diagnosis-text.js";
import { hostFacts } from "../../src/host-facts.js";

const lineOf = (name: string): string | undefined =>
  formatDiagnosis({ host: hostFacts(), plugins: [] })
    .split("\n")
    .find((line) => line.startsWith(name));

test.serial("doctor tells the version of the libbpf that is used", (t) => {
  const { libbpf } = hostFacts();
  t.regex(libbpf ?? "", /^\d+\.\d+$/);
  t.deepEqual(lineOf("libbpf")?.split(/\s{2,}/), ["libbpf", libbpf]);
});

test.serial("a libbpf that cannot be loaded is no error of doctor", (t) => {
  const given = process.env["LIBBPF_PATH"];
  t.teardown(() => {
    if (given === undefined) delete process.env["LIBBPF_PATH"];
    else process.env["LIBBPF_PATH"] = given;
  });
  process.env["LIBBPF_PATH"] = "/nonexistent/libbpf.so.1";
  t.is(hostFacts().libbpf, null);
  t.deepEqual(lineOf("libbpf")?.split(/\s{2,}/), ["libbpf", "none that fits"]);
});
