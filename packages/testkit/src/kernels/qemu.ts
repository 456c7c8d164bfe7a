// SPDX-License-Identifier: MIT
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { SkepError } from "@skep/core";
import { PrivateApt, archiveAddress } from "./apt.js";
import { cacheFolder, once } from "./cache.js";
import { exec, findProgram } from "./exec.js";

const programName = "qemu-system-x86_64";

/** QEMU 7's emulation crashes guests: up to a third of the boots of 6.12 end in a double fault. */
const oldestUsable = 8;

/** How to start QEMU. */
export interface Qemu {
  readonly program: string;
  readonly version: string;
  /** Arguments that come before all others: where an unpacked QEMU finds its firmware. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Major version in what `qemu-system-x86_64 --version` prints; 0 when it is not understood. */
export function majorVersion(text: string): number {
  return Number(/version (\d+)\./.exec(text)?.[1] ?? 0);
}

/**
 * A QEMU that can be trusted: the installed one when it is new enough, else one unpacked in the cache.
 * The unpacked one brings the libraries that the machine lacks; nothing is installed.
 */
export async function findQemu(): Promise<Qemu> {
  const installed = findProgram(programName);
  if (installed !== undefined) {
    const qemu = await describe(installed, [], process.env);
    if (majorVersion(qemu.version) >= oldestUsable) return qemu;
  }
  const folder = join(cacheFolder(), "qemu", await debianRelease());
  try {
    return await describeUnpacked(await once(folder, unpackQemu));
  } catch (cause) {
    const hint = `install ${programName} ${oldestUsable} or newer, or let apt reach its mirror`;
    throw new SkepError("SKEP_ERR_TOOL", `QEMU could not be fetched: ${(cause as Error).message}`, { hint, cause });
  }
}

async function unpackQemu(folder: string): Promise<void> {
  const release = await debianRelease();
  const suite = release === "bookworm" ? `${release}-backports` : release;
  const lists = join(cacheFolder(), "apt", `qemu-${release}`);
  const apt = await PrivateApt.beside(lists, await archiveAddress(), suite === release ? [] : [suite]);
  await apt.update();
  await apt.unpackWithDependencies(["qemu-system-x86"], suite, join(folder, "root"), join(folder, "debs"));
  await rm(join(folder, "debs"), { recursive: true });
  const { version } = await describeUnpacked(folder);
  if (majorVersion(version) < oldestUsable) {
    const hint = `install ${programName} ${oldestUsable} or newer`;
    throw new SkepError("SKEP_ERR_TOOL", `Debian ${release} has only ${version}`, { hint });
  }
}

async function describeUnpacked(folder: string): Promise<Qemu> {
  const root = join(folder, "root");
  const libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map((path) => join(root, path));
  const firmware = ["usr/share/qemu", "usr/share/seabios"].map((path) => join(root, path)).filter(existsSync);
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(":") };
  return describe(
    join(root, "usr/bin", programName),
    firmware.flatMap((path) => ["-L", path]),
    env,
  );
}

async function describe(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Qemu> {
  const version = (await exec(program, ["--version"], { env })).split("\n")[0] ?? "";
  return { program, version, args, env };
}

async function debianRelease(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8");
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(text)?.[1];
  const codename = field("VERSION_CODENAME");
  if (field("ID") === "debian" && codename) return codename;
  throw new SkepError("SKEP_ERR_TOOL", `${programName} ${oldestUsable} or newer is needed`, {
    hint: "apt-get install qemu-system-x86",
  });
}

/** Disks and kernel of one virtual machine. */
export interface Machine {
  readonly vmlinux: string;
  readonly initramfs: string;
  /** Images in the order the guest's init expects. None is written to. */
  readonly disks: readonly string[];
  /** Added to the kernel's command line. */
  readonly append: string;
  /** The terminal is the guest's console. */
  readonly interactive: boolean;
}

/** Names of the guest's serial ports, and the file descriptors at which QEMU finds their sockets. */
export const ports = { out: 3, err: 4, control: 5 } as const;

const commandLine = [
  "console=ttyS0 loglevel=4 panic=-1 mitigations=off nokaslr init_on_alloc=0 kfence.sample_interval=0",
  "cryptomgr.notests random.trust_cpu=on audit=0 nowatchdog no_timer_check tsc=reliable i8042.noaux i8042.nokbd",
].join(" ");

/**
 * Arguments for a machine without hardware virtualisation: the same on every host, in CI as well.
 * The default processor stays: without cmpxchg16b, BPF socket storage fails silently on recent kernels.
 */
export function qemuArguments(machine: Machine): string[] {
  const disks = machine.disks.flatMap((file) => ["-drive", `file=${file},if=virtio,format=raw,snapshot=on`]);
  const serialPorts = Object.entries(ports).flatMap(([name, fd]) => [
    ...["-chardev", `socket,id=${name},fd=${fd}`],
    ...["-device", `virtserialport,chardev=${name},name=${name}`],
  ]);
  return [
    ...["-accel", "tcg,thread=multi", "-cpu", "qemu64", "-smp", "2", "-m", "1024M"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-serial", machine.interactive ? "mon:stdio" : "stdio"],
    ...["-device", "virtio-serial-pci", ...serialPorts, ...disks],
    ...["-kernel", machine.vmlinux, "-initrd", machine.initramfs],
    ...["-append", `${commandLine}${machine.interactive ? " skep.shell" : ""} ${machine.append}`.trim()],
  ];
}
