// SPDX-License-Identifier: MIT
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SkepError } from "@skep/core";
import { type Stanza, parseStanzas } from "./deb822.js";
import { exec } from "./exec.js";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** No `sources.list.d`. */
const noParts = "/dev/null";

/** A repository that the machine's own apt uses, as `apt-get indextargets` reports it. */
export interface Repository {
  readonly uri: string;
  readonly suite: string;
  readonly label: string;
}

/** Format and reader of `apt-get indextargets`: one repository a line. */
export const repositoryFormat = "$(REPO_URI)|$(RELEASE)|$(LABEL)";

export function parseRepositories(text: string): Repository[] {
  return text
    .split("\n")
    .map((line) => line.trim().split("|"))
    .filter((parts) => parts.length === 3 && parts[0] !== "")
    .map(([uri = "", suite = "", label = ""]) => ({ uri, suite, label: label.startsWith("$(") ? "" : label }));
}

/**
 * The Debian archive among `repositories`: other suites are found beside the one the machine uses.
 * The label is known only after an `apt-get update`, hence the look at the path.
 */
export function debianArchive(repositories: readonly Repository[]): string | undefined {
  const labelled = repositories.find(({ label }) => label === "Debian");
  return (labelled ?? repositories.find(({ uri }) => /\/debian\/?$/.test(uri)))?.uri;
}

/** Base address of a Debian archive: `SKEP_DEBIAN_ARCHIVE`, else the one the machine's own apt uses. */
export async function archiveAddress(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const targets = ["indextargets", "--format", repositoryFormat, "Created-By: Packages"];
  const address = env["SKEP_DEBIAN_ARCHIVE"] || debianArchive(parseRepositories(await exec("apt-get", targets)));
  if (address) return address;
  throw new SkepError("SKEP_ERR_KERNEL", "this machine's apt uses no Debian archive to take kernels from", {
    hint: "set SKEP_DEBIAN_ARCHIVE to the base address of a Debian mirror",
  });
}

/**
 * apt with sources and lists of its own: it downloads packages of suites that the machine does not use, and installs nothing.
 */
export class PrivateApt {
  private constructor(
    private readonly folder: string,
    private readonly sources: string,
    private readonly sourceParts: string,
  ) {}

  /** Knows only `suites` of a Debian archive. `folder` keeps the lists between runs. */
  static ofSuites(folder: string, archive: string, suites: readonly string[]): PrivateApt {
    return new PrivateApt(folder, sourceLines(archive, suites), noParts);
  }

  /** Knows what the machine's own apt knows, and `suites` besides: for programs that must run on this machine. */
  static async beside(folder: string, archive: string, suites: readonly string[]): Promise<PrivateApt> {
    const own = await readFile("/etc/apt/sources.list", "utf8").catch(() => "");
    return new PrivateApt(folder, `${own}\n${sourceLines(archive, suites)}`, "/etc/apt/sources.list.d");
  }

  /** Fetches the lists of packages. Throws `SKEP_ERR_TOOL` when a suite is not there. */
  async update(): Promise<void> {
    if (!existsSync(keyring)) {
      throw new SkepError("SKEP_ERR_TOOL", "the keys of the Debian archive are missing", {
        hint: "apt-get install debian-archive-keyring",
      });
    }
    await mkdir(join(this.folder, "lists", "partial"), { recursive: true });
    await mkdir(join(this.folder, "cache", "archives", "partial"), { recursive: true });
    await writeFile(join(this.folder, "sources.list"), this.sources);
    // A suite that does not answer is only a warning to apt. Among the machine's own sources it may not matter.
    const strict = this.sourceParts === noParts ? ["-o", "APT::Update::Error-Mode=any"] : [];
    await exec("apt-get", [...this.options(), ...strict, "-qq", "update"]);
  }

  /** What the lists say of a package, newest version first. Empty when they do not know it. */
  async show(name: string): Promise<Stanza[]> {
    const text = await exec("apt-cache", [...this.options(), "show", name]).catch(() => "");
    return parseStanzas(text).filter((stanza) => stanza.get("package") === name);
  }

  /** Downloads exactly these packages (`name` or `name=version`) and unpacks them into `target`. */
  async unpack(packages: readonly string[], target: string, scratch: string): Promise<void> {
    await mkdir(scratch, { recursive: true });
    await exec("apt-get", [...this.options(), "-qq", "download", ...packages], { cwd: scratch });
    await unpackAll(scratch, target);
  }

  /** Like {@link unpack}, with every dependency that the machine does not have installed; `suite` is preferred. */
  async unpackWithDependencies(
    packages: readonly string[],
    suite: string,
    target: string,
    scratch: string,
  ): Promise<void> {
    const archives = join(scratch, "archives");
    await mkdir(join(archives, "partial"), { recursive: true });
    const only = [
      "--yes",
      "--download-only",
      "--no-install-recommends",
      "-o",
      `Dir::Cache::archives=${archives}`,
      "-t",
      suite,
    ];
    await exec("apt-get", [...this.options(), "-qq", ...only, "install", ...packages]);
    await unpackAll(archives, target);
  }

  private options(): string[] {
    return [
      `Dir::Etc::sourcelist=${join(this.folder, "sources.list")}`,
      `Dir::Etc::sourceparts=${this.sourceParts}`,
      `Dir::State::lists=${join(this.folder, "lists")}`,
      `Dir::Cache=${join(this.folder, "cache")}`,
      "Acquire::Languages=none",
      // As root apt would download as user _apt, who cannot write into a cache below /root.
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]);
  }
}

function sourceLines(archive: string, suites: readonly string[]): string {
  // Releases that have moved to the archive carry an expired Valid-Until; their signatures still hold.
  const options = `arch=amd64 target=Packages check-valid-until=no signed-by=${keyring}`;
  return suites.map((suite) => `deb [${options}] ${archive} ${suite} main\n`).join("");
}

async function unpackAll(archives: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const files = (await readdir(archives)).filter((file) => file.endsWith(".deb"));
  for (const file of files) await exec("dpkg", ["-x", join(archives, file), target]);
}
