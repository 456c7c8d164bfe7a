// SPDX-License-Identifier: MIT
import { contract } from "@skep/testkit";
import test from "ava";
import { net } from "../../src/index.js";

contract(test, net, { module: new URL("../../src/index.ts", import.meta.url) });
