// SPDX-License-Identifier: MIT
// Syntax-only rules: types are tsc's business, and linting stays a matter of seconds.
import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";
import tseslint from "typescript-eslint";

const koffi = { group: ["koffi"], message: "FFI stays in backend-libbpf/src/ffi.ts and poll.ts" };
const files = { group: ["**/packages/**", "../**/src/**"], message: "import another package by its name" };
const onlyCore = (who) => ({ group: ["@skep/*", "!@skep/core"], message: `${who} imports core and no other package` });

const onlyCoreAndLibraries = {
  group: ["@skep/*", "!@skep/core", "!@skep/protocols", "!@skep/executables"],
  message: "a plugin imports core (which it asks for services) and libraries that know neither plugin nor kernel",
};

/** The arrows of the architecture: which imports are forbidden in the sources of some packages. */
const forbidImports = (packages, ...patterns) => ({
  files: packages.map((name) => `packages/${name}/src/**/*.ts`),
  rules: { "no-restricted-imports": ["error", { patterns: [files, ...patterns] }] },
});

export default defineConfig(
  { ignores: ["**/dist/", "**/node_modules/", ".cache/", "**/*.gen.ts"] },
  eslint.configs.recommended,
  tseslint.configs.recommended,
  {
    languageOptions: { globals: globals.nodeBuiltin },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "only a plugin has a default export" },
      ],
      eqeqeq: "error",
    },
  },
  forbidImports(["core"], koffi, { group: ["@skep/*"], message: "core imports no other package" }),
  forbidImports(["protocols", "executables"], koffi, {
    group: ["@skep/*"],
    message: "a library knows no other package",
  }),
  forbidImports(["plugin-*"], koffi, onlyCoreAndLibraries),
  forbidImports(["backend-*"], koffi, onlyCore("a backend")),
  forbidImports(["exporter-*"], koffi, onlyCore("an exporter")),
  forbidImports(["bpf-toolchain"], koffi, onlyCore("the toolchain")),
  forbidImports(["linker"], koffi, {
    group: ["@skep/*", "!@skep/core", "!@skep/exporter-datakit"],
    message: "the linker imports core, and DataKit's wire",
  }),
  forbidImports(["cli", "testkit"], koffi),
  {
    files: ["packages/backend-libbpf/src/{ffi,poll}.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [files, onlyCore("a backend")] }] },
  },
  {
    // Node has no netlink sockets.
    files: ["packages/plugin-conntrack/src/ctnetlink/ffi.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [files, onlyCore("a plugin")] }] },
  },
  { files: ["packages/backend-libbpf/src/ffi.ts"], rules: { "@typescript-eslint/no-explicit-any": "off" } },
  {
    files: ["packages/plugin-*/src/{index,plugin}.ts", "examples/**/{index,plugin}.{ts,mjs}", "**/*.config.{js,mjs}"],
    rules: { "no-restricted-syntax": "off" },
  },
);
