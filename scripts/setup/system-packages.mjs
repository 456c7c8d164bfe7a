// SPDX-License-Identifier: MIT
// What Skep needs from the operating system, why, and how Debian calls it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findLibrary, findProgram, isDebian, isRoot, run, unpacked } from "./host.mjs";
import { Trouble } from "./trouble.mjs";

const clangVersions = [21, 20, 19, 18, 17, 16, 15, 14];
const numbered = (tool) => clangVersions.map((version) => `${tool}-${version}`);

/** A numbered clang is new enough by its name; `clang` itself has to say. */
function findClang() {
  const plain = findProgram(["clang"]);
  const version = plain && /version (\d+)/.exec(run(plain, ["--version"], { quiet: true }))?.[1];
  return Number(version) >= 14 ? plain : findProgram(numbered("clang"));
}

/**
 * @typedef {object} Need
 * @property {string} what
 * @property {string} why
 * @property {readonly string[]} debian package names, best first (Debian and Ubuntu differ)
 * @property {number} [oldest] oldest major version that will do
 * @property {() => unknown} present
 * @property {boolean} [forTests] only the tests want it
 * @property {boolean} [optional] tests that want it skip when it cannot be had, the demo goes on without
 * @property {boolean} [isService] installing it would start it, so it is only unpacked
 */

/** A command, in a package of the same name unless told otherwise. @returns {Need} */
function program(what, why, ...debian) {
  return { what, why, debian: debian.length > 0 ? debian : [what], present: () => findProgram([what]), optional: true };
}
const forTests = (...need) => ({ ...program(...need), forTests: true });
const ofService = (...need) => ({ ...forTests(...need), isService: true });

/** @type {readonly Need[]} */
const needs = [
  {
    what: "libbpf.so.1",
    why: "loads BPF objects into the kernel",
    debian: ["libbpf1"],
    present: () => process.env.LIBBPF_PATH || findLibrary("libbpf.so.1"),
  },
  {
    what: "clang 14 or newer",
    why: "compiles BPF C",
    debian: ["clang", ...numbered("clang")],
    oldest: 14,
    present: findClang,
  },
  {
    what: "llvm-strip",
    why: "strips BPF objects to their BTF",
    debian: ["llvm"],
    present: () => findProgram(["llvm-strip", ...numbered("llvm-strip")]),
  },
  {
    what: "bpf/bpf_helpers.h",
    why: "headers that BPF C includes",
    debian: ["libbpf-dev"],
    present: () => existsSync("/usr/include/bpf/bpf_helpers.h"),
  },
  {
    what: "a C compiler",
    why: "compiles the traffic generator of the tests",
    debian: ["gcc"],
    present: () => findProgram(["gcc", "cc"]),
    forTests: true,
  },
  {
    what: "C library headers",
    why: "the traffic generator includes them",
    debian: ["libc6-dev"],
    present: () => existsSync("/usr/include/stdio.h"),
    forTests: true,
  },
  {
    what: "ip, ss and tc",
    why: "network namespaces, the kernel's own counters to compare with, packet loss",
    debian: ["iproute2"],
    present: () => findProgram(["ip"]) && findProgram(["ss"]),
    forTests: true,
  },
  program("script", "a terminal for the demo's shell", "bsdutils"),
  program("nft", "rules of destination NAT, for the demo too", "nftables"),
  forTests("bpftool", "shows that nothing stays attached", "bpftool", "linux-tools-common"),
  forTests("tshark", "sees the same packets as httpflow, for a second opinion"),
  forTests("dnsmasq", "the resolver whose log tests of DNS are compared with", "dnsmasq-base"),
  forTests("dig", "a client of DNS that says what it measured", "bind9-dnsutils", "dnsutils"),
  forTests("nginx", "a server whose log tests of HTTP are compared with", "nginx-light"),
  forTests("curl", "a client of HTTP with OpenSSL"),
  forTests("openssl", "certificates for tests"),
  forTests("python3", "servers and clients in a language of threads"),
  forTests("conntrack", "the kernel's own table of NAT to compare with"),
  forTests("iptables", "the other way to make rules of NAT"),
  forTests("zsh", "a shell with a line editor of its own"),
  forTests("protoc", "reads our protobuf independently of us", "protobuf-compiler"),
  ofService("influxd", "takes our line protocol and gives it back", "influxdb"),
  ofService("promtool", "checks and scrapes our /metrics", "prometheus"),
];

const describe = (need) => `  ${need.what} (${need.why})`;

/** Installs what is missing and can be had; throws {@link Trouble} when something mandatory stays missing. */
export function installSystemPackages({ forTests }) {
  const missing = () => needs.filter((need) => (forTests || !need.forTests) && !need.present());
  const wanted = missing();
  if (wanted.length === 0) return;

  if (isDebian() && isRoot()) {
    installWithApt(wanted.filter((need) => !need.isService));
    unpack(wanted.filter((need) => need.isService));
  }
  const absent = missing();
  const fatal = absent.filter((need) => !need.optional);
  if (fatal.length > 0)
    throw new Trouble(`missing on this system:\n${fatal.map(describe).join("\n")}`, howToGet(fatal));
  for (const need of absent) process.stderr.write(`setup: going on without${describe(need).slice(1)}\n`);
}

function howToGet(missing) {
  if (!isDebian()) return "not a Debian or Ubuntu: install these with your system's package manager, then try again";
  const install = `apt-get install -y ${missing.map((need) => need.debian[0]).join(" ")}`;
  return isRoot()
    ? `see apt's messages above; by hand: ${install}`
    : `as root: ${install}   (or run this again as root)`;
}

function installWithApt(wanted) {
  if (wanted.length === 0) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  process.stderr.write(`setup: installing from apt:\n${wanted.map(describe).join("\n")}\n`);
  // Old lists may do: a failed update is no reason to give up, a failed install is.
  spawnSync("apt-get", ["update", "-qq"], { env: { ...process.env, ...env }, stdio: ["ignore", 2, 2] });
  for (const optional of [false, true]) {
    const names = wanted.filter((need) => Boolean(need.optional) === optional).map(available);
    if (names.length === 0) continue;
    try {
      run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env, quiet: true });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error; // what stays missing is reported by the caller
    }
  }
}

/** Brings the programs of packages without what installing them does. */
function unpack(wanted) {
  if (wanted.length === 0) return;
  process.stderr.write(`setup: unpacking from apt into .cache/debian:\n${wanted.map(describe).join("\n")}\n`);
  mkdirSync(unpacked, { recursive: true });
  const folder = mkdtempSync(join(unpacked, "download-"));
  try {
    // As root, because apt's own user may not write here.
    const names = wanted.map(available);
    run("apt-get", ["download", "-qq", "-o", "APT::Sandbox::User=root", ...names], { cwd: folder, quiet: true });
    for (const file of readdirSync(folder)) run("dpkg-deb", ["-x", join(folder, file), unpacked], { quiet: true });
  } catch (error) {
    if (!(error instanceof Trouble)) throw error; // what stays missing is reported by the caller
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first name that apt has a candidate for, new enough. */
function available({ debian, oldest = 0 }) {
  const candidate = (name) =>
    /Candidate: (?:\d+:)?(\d+)/.exec(run("apt-cache", ["policy", name], { quiet: true }))?.[1];
  return debian.find((name) => Number(candidate(name)) >= oldest) ?? debian[0];
}
