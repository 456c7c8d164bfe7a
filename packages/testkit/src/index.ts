// SPDX-License-Identifier: MIT
export { fakeClock, type FakeClock, fakeKernel, type FakeKernel, type Verdicts } from "@skep/backend-replay";
export { contract, type ContractOptions } from "./contract/contract.js";
export { encode, type Encodable, type EncodableRecord } from "./encode.js";
export { golden, type GoldenOptions } from "./golden/golden.js";
export * from "./golden/normalise.js";
export * from "./live/bpftool.js";
export * from "./live/cgroup.js";
export { cProgram } from "./live/compile-c.js";
export { goProgram } from "./live/compile-go.js";
export { liveTests, type LiveOptions, type LiveTest } from "./live/live.js";
export * from "./live/netns.js";
export type { Requirement } from "./live/requirement.js";
export * from "./live/spawn-in.js";
export * from "./live/ss.js";
export * from "./live/traffic.js";
export { trafficProgram } from "./live/traffic-program.js";
export * from "./live/until.js";
export { type KernelRig, rig, rigOn, type Rig, type RigOptions, type StandIn, standIn } from "./rig.js";
