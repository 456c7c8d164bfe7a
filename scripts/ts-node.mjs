// SPDX-License-Identifier: MIT
// Preload for tests and tools of the working tree: TypeScript sources run as they are, types are checked apart (pnpm typecheck).
import { register } from "node:module";

register("./ts-node-hooks.mjs", import.meta.url);
