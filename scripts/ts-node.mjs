// SPDX-License-Identifier: MIT
// Preload for tests and the working tree's CLI: TypeScript sources run as they are, types are checked apart (pnpm typecheck).
import { register } from "node:module";

process.env.TS_NODE_TRANSPILE_ONLY ??= "1";
register("ts-node/esm", import.meta.url);
