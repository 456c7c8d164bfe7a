// SPDX-License-Identifier: MIT
// Which goroutine moves bytes, against what a program says of its own goroutines.
import { goProgram, liveTests, spawnIn, until } from "@skep/testkit";
import test from "ava";
import { GoScene, type Moved } from "./go-scene.js";

const live = await liveTests(test, ["root", "cgroup2", "tp_btf", "uprobe"]);

/** Emulated kernels are slow. */
const requests = process.env["SKEP_KERNEL"] ? 120 : 3_000;

/** What the program says of itself: see go-peers/goroutines. */
interface Use {
  readonly role: "asks" | "works";
  readonly local: number;
  readonly remote: number;
  readonly line: readonly number[];
}

/** While a request is worked at, another goroutine of net/http's server waits for the first byte of the next one. */
function withoutLookouts(moved: readonly Moved[]): readonly Moved[] {
  const reads = moved.filter(({ isWritten }) => !isWritten);
  const lookouts = new Set(reads.filter(({ from }, index) => reads[index + 1]?.from === (from + 1) >>> 0));
  return moved.filter((move) => !lookouts.has(move));
}

/** Who is responsible for each request at an end: of one that was read the last who read of it, else the first who wrote. */
function turns(moved: readonly Moved[], role: Use["role"]): readonly number[] {
  const isRequest = ({ isWritten }: Moved) => isWritten === (role === "asks");
  return withoutLookouts(moved)
    .filter((move, index, all) => {
      const neighbour = all[role === "asks" ? index - 1 : index + 1];
      return isRequest(move) && (neighbour === undefined || !isRequest(neighbour));
    })
    .map(({ goroutine }) => goroutine);
}

const endOf = ({ local, remote }: Use): string => `${local} ${remote}`;

for (const atOnce of [1, 64]) {
  live(
    ["uprobe"],
    `net/http, ${atOnce} at once: every request is the goroutine's that asked for it, or works at it`,
    async (t) => {
      t.timeout(600_000);
      const scene = new GoScene(t);
      await scene.observe();
      const program = scene.copyOf(goProgram(new URL("go-peers/goroutines/go.mod", import.meta.url)));
      const peer = spawnIn(t, { cgroup: scene.cgroup }, program, [String(requests), String(atOnce)]);
      t.is((await peer.lines.next()).value, "ready");
      await until(() => scene.probed.has(peer.pid), { what: "the program is probed", deadlineMs: 30_000 });
      t.true(scene.programs!.isGo(peer.pid));
      peer.writeLine();
      const { value } = await peer.lines.next();
      if (value === undefined) t.fail((await peer.exited).stderr);
      const uses = JSON.parse(value!) as readonly Use[];
      t.is(uses.length, 4 * requests);

      const ends = new Map<string, Use[]>();
      for (const use of uses) ends.set(endOf(use), [...(ends.get(endOf(use)) ?? []), use]);
      const seen = (end: string, role: Use["role"]) => turns(scene.moved.get(end) ?? [], role);
      const all = [...ends];
      await until(() => all.every(([end, there]) => seen(end, there[0]!.role).length >= there.length), {
        what: "every request has its mark",
        deadlineMs: 30_000,
      });
      t.deepEqual(scene.dropped(), {});

      let silent = 0;
      for (const [end, there] of ends) {
        const said = seen(end, there[0]!.role);
        t.is(said.length, there.length, `requests at ${end}`);
        for (const [index, goroutine] of said.entries()) {
          if (goroutine === 0) silent++;
          else if (goroutine !== there[index]!.line[0])
            t.is(goroutine, there[index]!.line[0]!, `${there[0]!.role} at ${end}`);
        }
      }
      t.log(`${uses.length} requests at ${ends.size} ends, of ${silent} nothing is said`);
      t.is(silent, 0);

      for (const { line } of uses.filter(({ line }) => line.length > 1)) {
        for (const [index, goroutine] of line.slice(0, -1).entries()) {
          const origin = scene.goroutines!.originOf(peer.pid, BigInt(goroutine));
          t.is(Number(origin?.parent), line[index + 1]!, "who made a goroutine");
          t.true(origin!.createdNs < origin!.endedNs && origin!.endedNs < Infinity, "and it has ended");
        }
      }
      peer.writeLine();
      await peer.exited;
    },
  );
}
