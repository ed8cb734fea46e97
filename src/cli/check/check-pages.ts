/** The pages of docs/checks that come with the package: `kiln check --explain ID`, `--list`, help in SARIF. */
import { readFileSync } from "node:fs";
import { allRules } from "../../check/index.ts";
import { usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { CommandContext } from "../command-context.ts";

/** A check's page as Markdown; undefined when the package lacks it. */
export function pageOf(id: string): string | undefined {
  try {
    return readFileSync(new URL(`../../../docs/checks/${id.replace("/", "-")}.md`, import.meta.url), "utf8");
  } catch {
    return undefined;
  }
}

/** Prints a check's page. */
export function explainCheck(context: CommandContext, name: string): void {
  const [id = ""] = checkIds([name]);
  const rule = allRules.find((candidate) => candidate.id === id);
  const page = pageOf(id) ?? `# ${id}\n\n${rule?.title ?? ""}\n\n${rule?.source ?? ""}\n`;
  if (context.settings.output === "json") context.printJson({ ...factsOf(id), page });
  else context.print(page.trimEnd());
}

/** Prints what there is to find: id, severity, what. */
export function listChecks(context: CommandContext): void {
  if (context.settings.output === "json") {
    context.printJson(allRules.map(({ id }) => factsOf(id)));
    return;
  }
  const width = Math.max(...allRules.map(({ id }) => id.length));
  for (const { id, severity, title } of allRules) context.print(`${id.padEnd(width)}  ${severity.padEnd(7)}  ${title}`);
}

function factsOf(id: string): object {
  const rule = allRules.find((candidate) => candidate.id === id);
  return { id, severity: rule?.severity, title: rule?.title, source: rule?.source };
}

/** The checks with these ids, or of these topics (`paths`); an unknown one is a usage error with the nearest. */
export function checkIds(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const found = allRules.filter(
      ({ id }) => id === name || id.startsWith(`${name}/`) || id.replace("/", "-") === name,
    );
    if (found.length > 0) return found.map(({ id }) => id);
    const ids = allRules.map(({ id }) => id);
    const guess = nearest(name, ids) ?? ids.find((id) => id.endsWith(`/${name}`));
    throw usageError(`there is no check \`${name}\`${guess === undefined ? "" : `; the nearest is \`${guess}\``}`, [
      "`kiln check --list` lists them",
    ]);
  });
}
