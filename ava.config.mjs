// One ava configuration for the whole workspace: TypeScript sources as they are, workspace packages by their sources.
// A pattern chooses among these files: `ava 'packages/core/test/unit/**'`. Live tests need root (npm run test:live).
export default {
  extensions: { ts: "module" },
  nodeArguments: ["--import=./scripts/ts-node.mjs", "--conditions=skep-source", "--no-warnings=ExperimentalWarning"],
  files: ["{packages,examples}/*/test/{unit,golden,integration,live,package}/**/*.test.ts"],
  timeout: "60s",
};
