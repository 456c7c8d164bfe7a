// SPDX-License-Identifier: MIT
// What a plugin's manifest must be, told without running the plugin. Each check gives what is wrong, one sentence each.

import type { AnyMeasurement, Attach, Layout, Plugin, Strategy } from "@skep/core";
import type { PluginObject } from "./objects.js";

/** The kernel cuts names of programs and maps after this many characters. */
const LONGEST_NAME = 15;

/** Attachments that a locked-down kernel, or one without kprobes, refuses. */
const seldomAllowed: ReadonlySet<Attach["kind"]> = new Set(["fentry", "fexit", "kprobe", "kretprobe", "tracepoint"]);

/** Words that would be missing in generated documentation. */
export function undescribed(plugin: Plugin): string[] {
  const missing: string[] = [];
  const require = (text: string, what: string) =>
    void (text.trim() === "" && missing.push(`${what} has no description`));
  require(plugin.description, "the plugin");
  for (const measurement of plugin.measurements) {
    require(measurement.description, `measurement ${measurement.name}`);
    for (const [kind, name, description] of membersOf(measurement)) {
      require(description, `${kind} ${name} of ${measurement.name}`);
    }
  }
  for (const [name, group] of Object.entries(plugin.probes)) require(group.observes, `probe group ${name}`);
  return missing;
}

function membersOf({ tags, fields }: AnyMeasurement): (readonly [string, string, string])[] {
  return [
    ...Object.entries(tags).map(([name, { description }]) => ["tag", name, description] as const),
    ...Object.entries(fields).map(([name, { description }]) => ["field", name, description] as const),
  ];
}

/** Mandatory groups that work on no locked-down kernel and do not say so. */
export function groupsWithoutModestRung(plugin: Plugin): string[] {
  return Object.entries(plugin.probes)
    .filter(([, { optional, strategies }]) => !optional && !strategies.some((one) => isModest(one) || one.limits))
    .map(
      ([name]) =>
        `group ${name} has only strategies with fentry, kprobe or tracefs tracepoints: add a rung without, or say in its \`limits\` why there is none`,
    );
}

const isModest = ({ programs }: Strategy): boolean =>
  Object.values(programs).every((places) => [places].flat().every(({ kind }) => !seldomAllowed.has(kind)));

export function overlongNames(plugin: Plugin, objects: readonly PluginObject[]): string[] {
  const programs = Object.values(plugin.probes).flatMap(({ strategies }) =>
    strategies.flatMap((strategy) => Object.keys(strategy.programs)),
  );
  const maps = [
    ...Object.values(plugin.streams).map(({ map }) => map),
    ...objects.flatMap((object) => object.maps.map(({ name }) => name)),
  ];
  // skep_ maps are core's and the toolchain's own.
  const names = new Set([...programs, ...maps.filter((name) => !name.startsWith("skep_"))]);
  return [...names].filter((name) => name.length > LONGEST_NAME).map((name) => `${name} has ${name.length} characters`);
}

/** Programs, streams and constants that the manifest names and the objects do not have. */
export function missingInObjects(plugin: Plugin, objects: readonly PluginObject[]): string[] {
  const missing: string[] = [];
  const only = Object.keys(plugin.objects).length === 1 ? Object.keys(plugin.objects)[0] : undefined;
  for (const [group, { object = only, strategies }] of Object.entries(plugin.probes)) {
    if (object === undefined) missing.push(`group ${group} does not say which of the objects has its programs`);
    for (const compiled of objects.filter(({ name }) => name === object)) {
      const where = `${compiled.name} for ${compiled.arch}`;
      const rodata = new Set(compiled.btf.dataSection(".rodata")?.map(({ name }) => name));
      for (const { name, programs, rodata: constants = {} } of strategies) {
        for (const program of Object.keys(programs)) {
          if (!compiled.programs.has(program))
            missing.push(`program ${program} of ${group}/${name} is not in ${where}`);
        }
        for (const constant of Object.keys(constants)) {
          if (!rodata.has(constant)) missing.push(`constant ${constant} of ${group}/${name} is not in ${where}`);
        }
      }
    }
  }
  for (const arch of new Set(objects.map(({ arch }) => arch))) {
    const maps = objects.filter((object) => object.arch === arch).flatMap((object) => object.maps);
    for (const [stream, { map }] of Object.entries(plugin.streams)) {
      if (!maps.some(({ name, type }) => name === map && type === "ringbuf")) {
        missing.push(`stream ${stream}: no ring buffer ${map} is in the objects for ${arch}`);
      }
    }
  }
  return missing;
}

/** Codecs that would read the wrong bytes of what the objects write. */
export function differentLayouts(layouts: readonly Layout[], objects: readonly PluginObject[]): string[] {
  const wrong: string[] = [];
  for (const arch of new Set(objects.map(({ arch }) => arch))) {
    for (const layout of layouts) {
      const compiled = objects
        .filter((object) => object.arch === arch)
        .map(({ btf }) => btf.struct(layout.struct))
        .find((found) => found !== undefined);
      if (compiled === undefined) wrong.push(`struct ${layout.struct} is in no object for ${arch}`);
      else if (textOf(compiled) !== textOf(layout))
        wrong.push(`struct ${layout.struct} lies otherwise in the object for ${arch}`);
    }
  }
  return wrong;
}

const textOf = ({ size, fields }: Layout): string =>
  [size, ...fields.map(({ name, offset, size }) => `${name}@${offset}+${size}`)].join(" ");
