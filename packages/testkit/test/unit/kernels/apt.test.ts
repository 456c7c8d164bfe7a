// SPDX-License-Identifier: MIT
import test from "ava";
import { debianArchive, parseRepositories } from "../../../src/kernels/apt.js";
import { dependencyNames, parseStanzas } from "../../../src/kernels/deb822.js";
import { kernelPackages } from "../../../src/kernels/fetch.js";

test("the archive is the one labelled Debian, not its security updates or another vendor's", (t) => {
  const text = [
    "https://packages.example/node|nodistro|Node",
    "https://mirror.example/debian-security/|bookworm-security|Debian-Security",
    "https://mirror.example/some/where/|bookworm|Debian",
  ].join("\n");
  t.is(debianArchive(parseRepositories(text)), "https://mirror.example/some/where/");
});

test("before the first update the archive is known by its path", (t) => {
  const text =
    "https://mirror.example/debian-security/|bookworm-security|$(LABEL)\nhttps://mirror.example/debian/|bookworm|\n";
  t.is(debianArchive(parseRepositories(text)), "https://mirror.example/debian/");
});

test("a machine of another distribution has no Debian archive", (t) => {
  t.is(debianArchive(parseRepositories("https://mirror.example/ubuntu/|noble|Ubuntu\n")), undefined);
});

test("a stanza's continuation lines belong to their field", (t) => {
  const [first, second] = parseStanzas("Package: a\nDescription: one\n two\n  three\nDepends: b\n\nPackage: c\n");
  t.is(first?.get("description"), "one\ntwo\nthree");
  t.is(first?.get("depends"), "b");
  t.is(second?.get("package"), "c");
});

test("of alternatives the first is taken, versions and architectures are dropped", (t) => {
  t.deepEqual(dependencyNames("dracut | initramfs-tools (>= 0.120), libc6:any (>= 2.3),kmod"), [
    "dracut",
    "libc6",
    "kmod",
  ]);
  t.deepEqual(dependencyNames(undefined), []);
});

const archive = (text: string) => (name: string) =>
  Promise.resolve(parseStanzas(text).filter((stanza) => stanza.get("package") === name));

test("one package holds an older kernel", async (t) => {
  const [meta] = parseStanzas("Version: 6.1.176-1\nDepends: linux-image-6.1.0-50-cloud-amd64 (= 6.1.176-1)\n");
  const show = archive(
    "Package: linux-image-6.1.0-50-cloud-amd64\nVersion: 6.1.176-1\nDepends: kmod, linux-base (>= 4.3~)\n",
  );
  t.deepEqual(await kernelPackages(show, meta!), ["linux-image-6.1.0-50-cloud-amd64=6.1.176-1"]);
});

test("a kernel split into packages is found whole, and no other version's packages", async (t) => {
  const [meta] = parseStanzas(
    "Version: 7.2.13-1\nDepends: linux-base-cloud-amd64 (= 7.2.13-1), linux-image-7.2.13-cloud-amd64 (= 7.2.13-1)\n",
  );
  const show = archive(`Package: linux-image-7.2.13-cloud-amd64
Version: 7.2.12-1
Depends: linux-binary-7.2.12-cloud-amd64

Package: linux-image-7.2.13-cloud-amd64
Version: 7.2.13-1
Depends: dracut | linux-initramfs-tool, linux-binary-7.2.13-cloud-amd64 (= 7.2.13-1), linux-modules-7.2.13-cloud-amd64
`);
  const packages = await kernelPackages(show, meta!);
  t.deepEqual(packages.sort(), [
    "linux-binary-7.2.13-cloud-amd64=7.2.13-1",
    "linux-image-7.2.13-cloud-amd64=7.2.13-1",
    "linux-modules-7.2.13-cloud-amd64=7.2.13-1",
  ]);
});
