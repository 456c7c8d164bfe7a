// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";

/** Where a DataKit server listens. */
export interface Address {
  /** Without user and password. */
  readonly base: URL;
  /** Headers every request needs: `authorization`, when the address names a user. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads `host:port`, which is an http address as the reference takes it, or an http(s) URL.
 * @throws SkepError `SKEP_ERR_CONFIG`; the message hides a password
 */
export function parseAddress(address: string): Address {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  const base = URL.canParse(text) ? new URL(text) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.hostname === "") {
    const shown = address.replace(/[^/@]*@/, "***@");
    throw new SkepError("SKEP_ERR_CONFIG", `"${shown}" is no address of a DataKit server`, {
      hint: "write host:port or http(s)://host:port",
    });
  }
  const { username, password } = base;
  [base.username, base.password] = ["", ""];
  if (username === "") return { base, headers: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  return { base, headers: { authorization: `Basic ${credentials}` } };
}

/** Whether {@link parseAddress} would take it. */
export function isAddress(address: string): boolean {
  try {
    return parseAddress(address) !== undefined;
  } catch {
    return false;
  }
}
