/** Lists of the small CLI: a table, ids alone, or what `--format` asks for. */
import type { CliCommand } from "./cli-command.ts";
import { type FlagSpec, flagOf, isSet, type ParsedFlags } from "./flags.ts";
import { renderTemplate } from "./go-template.ts";

export const LIST_FLAGS: readonly FlagSpec[] = [
  { name: "quiet", short: "q", kind: "bool" },
  { name: "no-trunc", kind: "bool" },
  { name: "format", kind: "string" },
  { name: "filter", short: "f", kind: "list" },
];

export interface Listing {
  /** What `-q` prints. */
  readonly id: string;
  /** By docker's names for templates: `{{.Names}}`. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** `columns`: heading and field. */
export function printList(
  command: CliCommand,
  parsed: ParsedFlags,
  columns: readonly (readonly [heading: string, field: string])[],
  rows: readonly Listing[],
): void {
  const format = flagOf(parsed, "format");
  if (isSet(parsed, "quiet") && format === undefined) {
    for (const row of rows) command.stdout.write(`${row.id}\n`);
    return;
  }
  if (format === "json") {
    for (const { fields } of rows) command.stdout.write(`${JSON.stringify(fields)}\n`);
  } else if (format !== undefined && format !== "table" && !/^table\s/.test(format)) {
    for (const { fields } of rows) command.stdout.write(`${renderTemplate(format, fields)}\n`);
  } else if (format !== undefined && format !== "table") {
    const template = format.replace(/^table\s+/, "").replaceAll("\\t", "\t");
    const headings = Object.fromEntries(columns.map(([heading, field]) => [field, heading]));
    const named = new Proxy(headings, {
      get: (known, name) => known[String(name)] ?? String(name).toUpperCase(),
      has: () => true,
    });
    const lines = [named, ...rows.map(({ fields }) => fields)].map((fields) =>
      renderTemplate(template, fields).split("\t"),
    );
    command.stdout.write(table(lines));
  } else {
    const headings = columns.map(([heading]) => heading);
    const cells = rows.map(({ fields }) => columns.map(([, field]) => String(fields[field] ?? "")));
    command.stdout.write(table([headings, ...cells]));
  }
}

/** Columns are three blanks apart, the last one is not filled. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
      return `${cells.join("   ")}\n`;
    })
    .join("");
}

/** `-f name=value …` as the API takes them. */
export function filtersQuery(values: readonly string[]): string {
  const filters: Record<string, string[]> = {};
  for (const value of values) {
    const at = value.indexOf("=");
    if (at < 0)
      throw new Error(
        `invalid argument "${value}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    const name = value.slice(0, at).trim().toLowerCase();
    filters[name] = [...(filters[name] ?? []), value.slice(at + 1).trim()];
  }
  return Object.keys(filters).length === 0 ? "" : `filters=${encodeURIComponent(JSON.stringify(filters))}`;
}

export const shortId = (id: string, isWhole = false): string =>
  isWhole ? id : id.replace(/^sha256:/, "").slice(0, 12);
