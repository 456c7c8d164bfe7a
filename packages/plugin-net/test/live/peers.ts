// SPDX-License-Identifier: MIT

import { fileURLToPath } from "node:url";
import { goProgram } from "@skep/testkit";

/** Path of a server or client of http-peers. */
export const peer = (name: string): string => fileURLToPath(new URL(`http-peers/${name}`, import.meta.url));

/** The one in Go, compiled: server and client. */
export const goPeer = (): string => goProgram(new URL("http-peers/go-peer/go.mod", import.meta.url));

/** Of a server on 127.0.0.1 that nobody trusts. */
export const [certificate, key] = [peer("cert.pem"), peer("key.pem")];
