// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { PLUGIN_API } from "../plugin.js";

/**
 * Whether a plugin written for contract version `api` runs under `host`: same major, minor not newer; a prerelease only under
 * exactly itself.
 */
export function speaksApi(api: string, host: string = PLUGIN_API): boolean {
  const [wanted, offered] = [parseVersion(api), parseVersion(host)];
  if (wanted === undefined || offered === undefined) return false;
  if (wanted.prerelease !== "" || offered.prerelease !== "") return api === host;
  return wanted.major === offered.major && wanted.minor <= offered.minor;
}

/** @throws SkepError `SKEP_ERR_PLUGIN_API` with both versions. `where` names the plugin or its package. */
export function assertApi(api: string, where: string): void {
  if (speaksApi(api)) return;
  throw new SkepError("SKEP_ERR_PLUGIN_API", `${where} is written for plugin API ${api}, this is ${PLUGIN_API}`, {
    hint: isNewer(api) ? "update @skep/core" : "install a newer version of the plugin",
  });
}

function parseVersion(version: string): { major: number; minor: number; prerelease: string } | undefined {
  const match = /^(\d+)\.(\d+)(?:\.\d+)?(-[\w.-]+)?$/.exec(version);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]), prerelease: match[3] ?? "" };
}

function isNewer(api: string): boolean {
  const [wanted, offered] = [parseVersion(api), parseVersion(PLUGIN_API)];
  if (wanted === undefined || offered === undefined) return false;
  return wanted.major > offered.major || (wanted.major === offered.major && wanted.minor > offered.minor);
}
