// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";
import { analyseFlow } from "./flow.js";
import { harmfulHelper, isActingMap, isHarmlessKfunc, outcomeOf } from "./harmful.js";
import { Instructions } from "./instructions.js";

/** A program as it is before loading. */
export interface ScannedProgram {
  readonly name: string;
  /** Kernel's name of the type, for messages. */
  readonly typeName: string;
  readonly type: number;
  readonly attachType: number;
  readonly instructions: Uint8Array;
}

/** What the programs of one object share. */
export interface ScannedObject {
  readonly programs: readonly ScannedProgram[];
  /** Instructions of functions that were not inlined (ELF section `.text`). */
  readonly functions: Uint8Array | undefined;
  readonly kfuncs: readonly string[];
  readonly maps: readonly { readonly name: string; readonly type: number; readonly typeName: string }[];
}

/** What of an object could change the system, one sentence each; empty for an object that only observes. */
export function findMutations(object: ScannedObject): readonly string[] {
  const found: string[] = [];
  for (const name of object.kfuncs) {
    if (!isHarmlessKfunc(name)) found.push(`it calls the kernel function ${name}, which is not known to only observe`);
  }
  for (const map of object.maps) {
    if (isActingMap(map.type)) found.push(`map ${map.name} is a ${map.typeName}, whose content steers traffic`);
  }
  if (object.functions !== undefined) {
    for (const helper of harmfulCalls(object.functions)) found.push(`a function that is not inlined calls ${helper}`);
  }
  // Before loading, calls of kernel functions look like calls of the object's own. Those are in `.text`; kernel functions
  // have been judged by name.
  const hasFunctions = (object.functions?.length ?? 0) > 0;
  for (const program of object.programs) {
    for (const what of mutationsOf(program, hasFunctions))
      found.push(`program ${program.name} (${program.typeName}) ${what}`);
  }
  return found;
}

function mutationsOf(program: ScannedProgram, hasFunctions: boolean): readonly string[] {
  const outcome = outcomeOf(program.type, program.attachType);
  if (outcome === "acts") return ["is of a type that acts on what it sees"];
  const found = harmfulCalls(program.instructions).map((helper) => `calls ${helper}`);
  const flow = analyseFlow(program.instructions);
  if (flow.contextStores.length > 0) found.push(`writes into its context at instruction ${flow.contextStores[0]}`);
  if (outcome === "ignored") return found;
  if (hasFunctions && flow.contextPassed.length > 0) {
    found.push(
      `hands its context to a function at instruction ${flow.contextPassed[0]}: make it static __always_inline`,
    );
  }
  if (flow.otherResults.length > 0) {
    found.push(
      `is not proven to return 1 (let it pass) at instruction ${flow.otherResults[0]}: ` +
        "do the work in a static __always_inline void body and end the program with a plain `return 1;`",
    );
  }
  return found;
}

const harmfulCalls = (instructions: Uint8Array): string[] =>
  [...new Instructions(instructions).helpers()].map(harmfulHelper).filter((name) => name !== undefined);

/** @throws SkepError `SKEP_ERR_MUTATION` naming what could change the system. */
export function refuseMutations(plugin: string, objectName: string, object: ScannedObject): void {
  const found = findMutations(object);
  if (found.length === 0) return;
  throw new SkepError(
    "SKEP_ERR_MUTATION",
    `${plugin}: object ${objectName} could change the system: ${found.join("; ")}`,
    {
      plugin,
      phase: "load",
      hint: "Skep only observes. An embedder who means it sets allowMutation",
    },
  );
}
