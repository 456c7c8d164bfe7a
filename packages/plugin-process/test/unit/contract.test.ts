// SPDX-License-Identifier: MIT
import { contract } from "@skep/testkit";
import test from "ava";
import { processes } from "../../src/index.js";

contract(test, processes, { module: new URL("../../src/index.ts", import.meta.url) });
