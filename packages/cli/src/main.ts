#!/usr/bin/env node
// SPDX-License-Identifier: MIT

import { runCli } from "./cli.js";

process.exitCode = await runCli(process.argv.slice(2), { ownsProcess: true });
// Nothing should keep the process alive now. Should a plugin have left a handle open, it does not matter any more.
setTimeout(() => process.exit(), 500).unref();
