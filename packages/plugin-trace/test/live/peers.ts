// SPDX-License-Identifier: MIT

import { spawnSync } from "node:child_process";
import { request, type Agent } from "node:http";
import { fileURLToPath } from "node:url";
import { type Place, type Spawned, spawnIn, type Teardown } from "@skep/testkit";

/** Python itself rather than what finds it; undefined where there is none. */
export const python: string | undefined =
  spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout?.trim() || undefined;

export interface Server extends Spawned {
  readonly port: number;
}

/** A server of peers/, which tells its port first. */
export async function pythonServer(t: Teardown, place: Place, name: string, ...args: string[]): Promise<Server> {
  const child = spawnIn(t, place, python!, [fileURLToPath(new URL(`peers/${name}.py`, import.meta.url)), ...args]);
  const { value, done } = await child.lines.next();
  if (done === true) throw new Error(`${name} has died: ${(await child.exited).stderr}`);
  return Object.assign(child, { port: Number(value) });
}

/** Asks for a path and reads the answer. */
export const get = (port: number, path: string, agent?: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(body)).on("error", reject);
    });
    asked.on("error", reject).end();
  });
