// SPDX-License-Identifier: MIT

import { silentLogger, spanMeasurement, type Config, type Exporter } from "@skep/core";
import { datakitSection } from "@skep/exporter-datakit";
import test from "ava";
import { withOwnTraces } from "../../src/own-traces.js";

const exporters: readonly Exporter[] = [{ name: "stdout", export() {} }];
const configOf = (traces: boolean, trace_server: string) =>
  ({
    resolved: [{ measurements: traces ? [spanMeasurement] : [] }],
    sections: new Map([["datakit", datakitSection.config.parse({ trace_server })]]),
  }) as unknown as Config;

test("an agent that makes spans links them itself unless a server does", async (t) => {
  t.is(withOwnTraces(configOf(false, ""), exporters, silentLogger), exporters);
  t.is(withOwnTraces(configOf(true, "127.0.0.1:9529"), exporters, silentLogger), exporters);
  const linking = withOwnTraces(configOf(true, ""), exporters, silentLogger);
  t.deepEqual(
    linking.map(({ name }) => name),
    ["linker", "stdout"],
  );
  for (const exporter of linking) await exporter.close?.();
});
