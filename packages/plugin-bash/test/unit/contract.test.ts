// SPDX-License-Identifier: MIT
import { contract } from "@skep/testkit";
import test from "ava";
import { bash } from "../../src/index.js";

contract(test, bash, { module: new URL("../../src/index.ts", import.meta.url) });
