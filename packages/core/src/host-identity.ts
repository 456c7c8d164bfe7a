// SPDX-License-Identifier: MIT

import { service } from "./service.js";

/** Who this host is; goes into tags and into where /proc is looked for. */
export interface HostIdentity {
  readonly hostname: string;
  /** `uname -r`. */
  readonly kernelRelease: string;
  readonly arch: "x64" | "arm64";
  /** The host's /proc: `HOST_PROC`, else `/proc`. */
  readonly procRoot: string;
  /** Prefix of the host's file system: `HOST_ROOT`, else `/`. */
  readonly fsRoot: string;
}

/** Provided by core. */
export const HostIdentity = service<HostIdentity>("skep.host-identity", 1);
