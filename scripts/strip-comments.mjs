/**
 * Takes the comments out of `dist`'s JavaScript before it is packed (npm runs this as `prepack`): they are a tenth of what
 * a user installs and are for readers of `src`. The declarations keep theirs. Each file is replaced in one step, because
 * a process may be loading it.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const compilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  removeComments: true,
  verbatimModuleSyntax: true,
};

for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".js")) continue;
  const path = join(dist, name);
  const text = readFileSync(path, "utf8");
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: path });
  if (outputText === text) continue;
  writeFileSync(`${path}.new`, outputText);
  renameSync(`${path}.new`, path);
}
