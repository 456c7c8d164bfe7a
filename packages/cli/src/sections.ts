// SPDX-License-Identifier: MIT

import {
  agentSection,
  deliverySection,
  kernelSection,
  limitsSection,
  traceSection,
  type ConfigSection,
} from "@skep/core";
import { datakitSection } from "@skep/exporter-datakit";
import { otlpSection } from "@skep/exporter-otlp/config";
import { prometheusSection } from "@skep/exporter-prometheus";
import { builtins } from "./plugins.js";

const hasTrace = builtins.some(({ name }) => name === traceSection.name);

/** Keys of the configuration that belong neither to the agent itself nor to a plugin that is there. */
export const sections: readonly ConfigSection[] = [
  datakitSection,
  otlpSection,
  prometheusSection,
  deliverySection,
  limitsSection,
  kernelSection,
  ...(hasTrace ? [] : [traceSection]),
];

/** Plugins of the reference that may be named although they are not there. */
export const leftOut: Readonly<Record<string, string>> = hasTrace
  ? {}
  : { [traceSection.name]: "is not part of this version of Skep: no spans are made" };

/** Everything that has keys, in the order of the documentation. */
export const everySection: readonly ConfigSection[] = [agentSection, ...builtins, ...sections];
