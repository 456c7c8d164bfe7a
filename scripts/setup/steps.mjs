// SPDX-License-Identifier: MIT
import { bpfSteps, commandStep, toolchainStep, trafficSteps, workspaceStep } from "./build.mjs";
import { dependenciesStep } from "./dependencies.mjs";

/** All that stands between a clone and a running command, in order; with `tests`, a running test suite. */
export const setupSteps = ({ tests = false } = {}) => [
  dependenciesStep(),
  toolchainStep(),
  ...bpfSteps(),
  ...(tests ? [workspaceStep(), ...trafficSteps()] : [commandStep()]),
];
