// SPDX-License-Identifier: MIT

import { hostname, release } from "node:os";
import { SkepError } from "../errors.js";
import type { HostIdentity } from "../host-identity.js";

/**
 * Finds out who this host is. The name is the first that is not empty of: `configured`, the environment's `ENV_HOSTNAME`
 * (the container's own name says little about the host), the system's.
 * @throws SkepError `SKEP_ERR_BACKEND_UNAVAILABLE` on an architecture Skep has no BPF objects for.
 */
export function identifyHost(
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): HostIdentity {
  const { arch } = process;
  if (arch !== "x64" && arch !== "arm64") {
    throw new SkepError("SKEP_ERR_BACKEND_UNAVAILABLE", `Skep runs on x64 and arm64, this is ${arch}`);
  }
  return Object.freeze({
    hostname: configured || env["ENV_HOSTNAME"] || hostname() || "no-value",
    kernelRelease: release(),
    arch,
    procRoot: env["HOST_PROC"] || "/proc",
    fsRoot: env["HOST_ROOT"] || "/",
  });
}
