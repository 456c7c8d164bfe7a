// Of the workspace's mirror (mirror.mjs): what ava.config.mjs at the top says of TypeScript, for what was made of it.
export default {
  nodeArguments: ["--conditions=skep-source", "--no-warnings=ExperimentalWarning"],
  files: ["{packages,examples}/*/test/{unit,golden}/**/*.test.js"],
  timeout: "60s",
};
