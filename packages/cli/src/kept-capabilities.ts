// SPDX-License-Identifier: MIT

import { giveUpCapabilities, libbpfVersion } from "@skep/backend-libbpf";
import { messageOf, type Logger, type Plugin } from "@skep/core";
import { capabilities, type CapabilityName } from "./host/capabilities.js";

/** What no plugin names and an agent that runs may need still. */
const always: readonly CapabilityName[] = ["CAP_DAC_READ_SEARCH", "CAP_SYS_RESOURCE"];

/**
 * What these plugins may need from now on: to start again after a failure, to probe programs that start later. User probes, and
 * libbpf before 1.3 where the kernel has BTF of modules, take CAP_SYS_ADMIN.
 */
export function keptCapabilities(plugins: readonly Plugin[], libbpf = libbpfVersion()): bigint {
  const [major = 0, minor = 0] = libbpf.split(".").map(Number);
  const setsUserProbes = plugins.some(({ probes }) =>
    Object.values(probes).some(({ strategies }) =>
      strategies.some(({ programs }) =>
        Object.values(programs)
          .flat()
          .some(({ kind }) => /^u(ret)?probe$/.test(kind)),
      ),
    ),
  );
  const names = new Set<string>([...always, ...plugins.flatMap((plugin) => plugin.capabilities)]);
  if (setsUserProbes || (major <= 1 && minor < 3)) names.add("CAP_SYS_ADMIN");
  return [...names].reduce((mask, name) => {
    const known = capabilities[name as CapabilityName] as { readonly bit: number } | undefined;
    return known === undefined ? mask : mask | (1n << BigInt(known.bit));
  }, 0n);
}

/** Gives up the capabilities that nothing needs any more, once everything is attached. That it cannot is no reason to stop. */
export async function giveUpTheRest(plugins: readonly Plugin[], log: Logger): Promise<void> {
  try {
    const left = await giveUpCapabilities(keptCapabilities(plugins));
    log.debug(
      { event: "capabilities", left: left.toString(16) },
      "capabilities that nothing needs any more are given up",
    );
  } catch (error) {
    log.warn({ event: "capabilities" }, `capabilities could not be given up: ${messageOf(error)}`);
  }
}
