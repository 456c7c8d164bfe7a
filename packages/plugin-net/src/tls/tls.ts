// SPDX-License-Identifier: MIT

import { attachToFiles, type PluginContext, type PluginInstance } from "@skep/core";
import { TlsFiles } from "./tls-files.js";

/** httpflow-tls at work: probes follow the TLS libraries and programs that processes in scope run. The rest is httpflow's. */
export class Tls implements PluginInstance {
  constructor(private readonly context: PluginContext<unknown>) {}

  async start(): Promise<void> {
    await attachToFiles(this.context, new TlsFiles(this.context.log));
  }
}
