// SPDX-License-Identifier: MIT
// However the installed Go links a program, its goroutines are found alike.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readGoProgram } from "../../src/go/go-program-file.js";

const has = (command: string, argument: string): boolean => {
  try {
    execFileSync(command, [argument], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const [withGo, withC] = [has("go", "version") && process.arch === "x64", has("gcc", "--version")];
const folder = mkdtempSync(join(tmpdir(), "skep-go-file-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const source = `package main
import "net/http"
func main() { http.Get("http://127.0.0.1:1/"); http.ListenAndServe("127.0.0.1:1", nil) }
`;
const withCode = source.replace(
  `import "net/http"`,
  `import "net/http"\n// int three(void) { return 3; }\nimport "C"\nvar X = C.three()`,
);

function build(code: string, cgo: boolean, flags: readonly string[]): string {
  const path = join(folder, `built${flags.join("").replaceAll(/\W/g, "")}${cgo ? "c" : ""}`);
  writeFileSync(`${path}.go`, code);
  execFileSync("go", ["build", "-o", path, ...flags, `${path}.go`], {
    env: { ...process.env, CGO_ENABLED: cgo ? "1" : "0", GOTOOLCHAIN: "local" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return path;
}

/** As the debug information of the program says it. */
function truthOf(path: string): Record<string, number> {
  const dump = execFileSync("sh", [
    "-c",
    `readelf --debug-dump=info ${path} | grep -A 60 'DW_AT_name.*: runtime\\.g$'`,
  ]);
  const members = [...dump.toString().matchAll(/DW_AT_name\s*: (\w+)\n.*DW_AT_data_member_location: (\d+)/g)];
  return Object.fromEntries(members.map(([, name, offset]) => [name!, Number(offset)]));
}

(withGo ? test.serial : test.serial.skip)(
  "stripped, position-independent or with C: all say what the debug information does",
  (t) => {
    t.timeout(600_000);
    const plain = build(source, false, []);
    const { offsets } = readGoProgram(plain)!;
    const members = truthOf(plain);
    if (members["goid"] !== undefined) t.is(offsets.goid, members["goid"]);
    if (members["parentGoid"] !== undefined) t.is(offsets.parentGoid, members["parentGoid"]);
    const builds = [build(source, false, ["-ldflags=-s -w"]), build(source, false, ["-buildmode=pie"])];
    if (withC) builds.push(build(withCode, true, []), build(withCode, true, ["-buildmode=pie", "-ldflags=-s -w"]));
    for (const path of builds) {
      const found = readGoProgram(path)!;
      t.deepEqual(found.offsets, offsets, path);
      const programs = found.probes.map(({ program }) => program);
      t.deepEqual(programs, ["go_http_ask", "go_http_write", "go_ended", "go_created"], path);
      t.true(found.text.end > found.text.start);
    }
  },
);

test("a program in another language is none", (t) => {
  t.is(readGoProgram(process.execPath), undefined);
});
