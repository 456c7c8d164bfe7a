// SPDX-License-Identifier: MIT
export { buildObjects, type BuildOptions, type BuildResult, type BuiltObject } from "./build.js";
export { generateCodec, type CodecRequest } from "./codec/generate.js";
export { includeDirectory, type Arch } from "./compile.js";
export { runOnHost, type HostOptions } from "./host.js";
export { type CodecConfig } from "./package-config.js";
export { findTools, type ToolPaths, type Tools } from "./tools.js";
