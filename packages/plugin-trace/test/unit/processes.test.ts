// SPDX-License-Identifier: MIT
import test from "ava";
import { traceConfig } from "../../src/config.js";
import { parseEnvironment } from "../../src/processes/environment.js";
import { Rules } from "../../src/processes/rules.js";

const rules = (config: Record<string, unknown> = {}): Rules => new Rules(traceConfig.parse(config));

test("without any list, processes that somebody named as a service are traced, and no others", (t) => {
  t.true(rules().allow("app", ["OTEL_SERVICE_NAME"]));
  t.true(rules().allow("app", ["DD_SERVICE"]));
  t.false(rules().allow("app", []));
  t.true(rules({ trace_all_process: true }).allow("app", []));
});

test("a variable, a name or trace_all_process allow each by themselves", (t) => {
  const some = rules({ trace_env_list: ["TRACE_ME"], trace_name_list: ["nginx"] });
  t.true(some.allow("app", ["TRACE_ME"]));
  t.true(some.allow("nginx", []));
  t.false(some.allow("app", ["OTEL_SERVICE_NAME"]));
  t.false(some.allow("nginx2", []));
});

test("whatever denies a process wins over whatever allows it", (t) => {
  const lists = { trace_all_process: true, trace_env_list: ["TRACE_ME"], trace_name_list: ["nginx", "datakit"] };
  const some = rules({ ...lists, trace_env_blacklist: ["SECRET"], trace_name_blacklist: ["nginx"] });
  t.false(some.allow("nginx", ["TRACE_ME"]));
  t.false(some.allow("app", ["TRACE_ME", "SECRET"]));
  t.false(some.allow("datakit", ["TRACE_ME"]));
  t.false(some.allow("datakit-ebpf", []));
  t.true(some.allow("app", []));
});

test("a name that is longer than the kernel keeps is compared as far as it keeps it", (t) => {
  t.true(rules({ trace_name_list: ["a-very-long-program-name"] }).allow("a-very-long-pro", []));
});

test("the first variable that is not empty names the service, in the order of the reference", (t) => {
  const service = (...variables: string[]): string => parseEnvironment(variables.join("\0"), new Set()).service;
  t.is(service("OTEL_SERVICE_NAME=otel", "DD_SERVICE=dd", "DK_BPFTRACE_SERVICE=dk"), "dk");
  t.is(service("OTEL_SERVICE_NAME=otel", "DD_SERVICE=dd", "DK_BPFTRACE_SERVICE="), "dd");
  t.is(service("PATH=/bin", "OTEL_SERVICE_NAME=a=b"), "a=b");
  t.is(service("DD_SERVICE_MAPPING=x", "=odd", "odd", ""), "");
});

test("of an environment no more is kept than the names that were asked for", (t) => {
  const { names } = parseEnvironment("PASSWORD=x\0TRACE_ME=\0TRACE_ME_NOT=1\0", new Set(["TRACE_ME", "ABSENT"]));
  t.deepEqual(names, ["TRACE_ME"]);
});
