// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { notTracking, tracksConnections } from "../../src/preflight.js";

function proc(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-proc-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const symbol = (name: string, module = "") => `0000000000000000 t ${name}${module}\n`;
const others = symbol("tcp_close").repeat(50_000);

test("a loaded module is enough", async (t) => {
  const modules = "xt_conntrack 16384 1 - Live 0x0\nnf_conntrack 176128 2 nf_nat,xt_conntrack, Live 0x0\n";
  t.true((await tracksConnections(proc(t, { modules }))).supported);
});

test("so are both symbols, in the kernel or in a module, wherever they stand", async (t) => {
  const kallsyms = `${others}${symbol("nf_ct_delete")}${others}${symbol("__nf_conntrack_hash_insert", "\t[nf_conntrack]")}`;
  t.true((await tracksConnections(proc(t, { kallsyms }))).supported);
  t.true((await tracksConnections(proc(t, { kallsyms, modules: "" }))).supported);
});

test("symbols that only begin or end alike are others", async (t) => {
  const kallsyms = [
    symbol("nf_ct_delete.part.0"),
    symbol("my_nf_ct_delete"),
    symbol("__nf_conntrack_hash_insert_x"),
    symbol("nf_ct_deleted"),
  ].join("");
  const { supported, reason } = await tracksConnections(
    proc(t, { kallsyms, modules: "nf_conntrack_netlink 1 0 - Live\n" }),
  );
  t.false(supported);
  t.regex(reason!, /nf_ct_delete, __nf_conntrack_hash_insert/);
});

test("one symbol of the two is not enough, and the other is named", async (t) => {
  const { supported, reason } = await tracksConnections(proc(t, { kallsyms: symbol("nf_ct_delete") }));
  t.false(supported);
  t.regex(reason!, /no symbol __nf_conntrack_hash_insert$/);
});

test("what cannot be read is not taken for a no", async (t) => {
  t.is((await tracksConnections(proc(t, {}))).supported, undefined);
  t.is((await tracksConnections(proc(t, { kallsyms: "" }))).supported, undefined);
});

test("the error tells both commands of the user's document", (t) => {
  const { code, hint } = notTracking("the kernel does not track connections");
  t.is(code, "SKEP_ERR_UNSUPPORTED");
  t.true(
    hint!.includes(`cat /proc/kallsyms | awk '{print $3}' | grep "^nf_ct_delete$\\|^__nf_conntrack_hash_insert$"`),
  );
  t.true(hint!.includes("lsmod | grep nf_conntrack"));
});
