/** For tests that kill real processes: folders of the sources as JavaScript, which Node runs without a build. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

const repository = resolve(import.meta.dirname, "../..");
const compilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  rewriteRelativeImportExtensions: true,
};

/** Writes `src/<folder>` of each under `root`; gives the URL of a source file's JavaScript, e.g. of `store/index.ts`. */
export function transpileSources(root: string, folders: readonly string[]): (file: string) => string {
  for (const folder of folders) {
    const source = join(repository, "src", folder);
    for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      const target = join(root, "src", folder, file);
      if (file.endsWith(".json")) {
        mkdirSync(dirname(target), { recursive: true });
        cpSync(join(source, file), target);
      }
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const { outputText } = ts.transpileModule(readFileSync(join(source, file), "utf8"), { compilerOptions });
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target.replace(/\.ts$/, ".js"), outputText);
    }
  }
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  for (const name of ["node_modules", "data"]) symlinkSync(join(repository, name), join(root, name));
  return (file) => pathToFileURL(join(root, "src", file.replace(/\.ts$/, ".js"))).href;
}
