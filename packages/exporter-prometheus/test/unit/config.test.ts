// SPDX-License-Identifier: MIT

import test from "ava";
import type { PrometheusExporter } from "../../src/index.js";
import { prometheusFromConfig, prometheusSection } from "../../src/index.js";
import { parseListen } from "../../src/config.js";

const configured = (config: object) =>
  prometheusFromConfig(prometheusSection.config.parse(config), { measurements: [], intervalMs: 60_000 });

test("an address is read with a name, with an IPv6 address, and without a host for all of them", (t) => {
  t.deepEqual(parseListen("127.0.0.1:9435"), { host: "127.0.0.1", port: 9435 });
  t.deepEqual(parseListen("localhost:0"), { host: "localhost", port: 0 });
  t.deepEqual(parseListen("[::1]:9435"), { host: "::1", port: 9435 });
  t.deepEqual(parseListen(":9435"), { host: "::", port: 9435 });
  for (const text of ["", "9435", "host", "host:", "host:70000", "::1:9", "http://host:1"])
    t.is(parseListen(text), undefined, text);
});

test("without an address nothing is served", async (t) => {
  t.deepEqual(await configured({}), []);
  t.false(prometheusSection.config.safeParse({ prometheus_listen: "nowhere" }).success);
});

test("what the configuration names is served before the first point", async (t) => {
  const [exporter] = (await configured({ prometheus_listen: "127.0.0.1:0" })) as PrometheusExporter[];
  t.teardown(() => exporter?.close?.());
  t.is((await fetch(exporter!.address!)).status, 200);
});
