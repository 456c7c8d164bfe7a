// One ava configuration for the whole workspace: TypeScript sources as they are, workspace packages by their sources.
export default {
  extensions: { ts: "module" },
  nodeArguments: ["--import=./scripts/ts-node.mjs", "--conditions=skep-source", "--no-warnings=ExperimentalWarning"],
  files: ["packages/*/test/unit/**/*.test.ts"],
  timeout: "60s",
};
