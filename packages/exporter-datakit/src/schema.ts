// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

const schema = protobuf.parse(readFileSync(new URL("../proto/point.proto", import.meta.url), "utf8")).root;

/** The message of a body. */
export const PBPoints = schema.lookupType("PBPoints");
