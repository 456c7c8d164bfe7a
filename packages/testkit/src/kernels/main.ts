#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { runCommandLine } from "./command-line.js";

process.exitCode = await runCommandLine(process.argv);
