// SPDX-License-Identifier: MIT
import { contract } from "@skep/testkit";
import test from "ava";
import { kubernetes } from "../../src/index.js";

contract(test, kubernetes, {
  module: new URL("../../src/index.ts", import.meta.url),
  // Nobody listens there: it has to live with that.
  config: { kubernetes_url: "http://127.0.0.1:1" },
});
