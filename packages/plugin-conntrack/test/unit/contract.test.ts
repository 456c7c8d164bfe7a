// SPDX-License-Identifier: MIT
import { contract } from "@skep/testkit";
import test from "ava";
import { conntrack } from "../../src/index.js";

contract(test, conntrack, { module: new URL("../../src/index.ts", import.meta.url) });
