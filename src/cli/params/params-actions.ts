/** What `kiln params ls|tree|get|put|rm|history|diff|grep` do. */
import type { Kiln } from "../../app.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { CommandContext } from "../command-context.ts";
import type { ParamsValues } from "../params.ts";
import { plural } from "../plural.ts";
import { askHidden, readAll } from "../prompt.ts";
import { table } from "../table.ts";
import { listParameters, type ParameterMetadata, unlessCode } from "./parameters.ts";

type Args = readonly string[];

export const HIDDEN = "***";

interface WireParameter {
  readonly Name?: string;
  readonly Value?: string;
  readonly Type?: string;
  readonly Version?: number;
  readonly LastModifiedDate?: number;
  readonly LastModifiedUser?: string;
  readonly Labels?: readonly string[];
}

const isUnder = (name: string, path: string): boolean =>
  path === "/" || name === path || name.startsWith(path.endsWith("/") ? path : `${path}/`);

const under = async (kiln: Kiln, path = "/"): Promise<ParameterMetadata[]> =>
  (await listParameters(kiln.root)).filter((parameter) => isUnder(parameter.name, path));

/** Values by name, ten a call. */
export async function readValues(kiln: Kiln, names: readonly string[]): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (let start = 0; start < names.length; start += 10) {
    const page: { Parameters?: WireParameter[] } = await kiln.root.call("ssm", "GetParameters", {
      Names: names.slice(start, start + 10),
      WithDecryption: true,
    });
    for (const parameter of page.Parameters ?? []) values.set(parameter.Name ?? "", parameter.Value ?? "");
  }
  return values;
}

/** Values that may be shown: all with --show, none otherwise. */
const shownValues = (
  kiln: Kiln,
  parameters: readonly ParameterMetadata[],
  values: ParamsValues,
): Promise<Map<string, string>> =>
  values.show
    ? readValues(
        kiln,
        parameters.map((parameter) => parameter.name),
      )
    : Promise.resolve(new Map());

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

export async function listPath(
  context: CommandContext,
  kiln: Kiln,
  [path]: Args,
  values: ParamsValues,
): Promise<number> {
  const parameters = await under(kiln, path);
  const shown = await shownValues(kiln, parameters, values);
  if (context.settings.output === "json") {
    context.printJson({
      parameters: parameters.map((parameter) => ({
        ...parameter,
        ...(values.show ? { value: shown.get(parameter.name) } : {}),
      })),
    });
    return 0;
  }
  if (parameters.length === 0) {
    context.note(path === undefined ? "no parameters yet: `kiln params put NAME`" : `no parameters under ${path}`);
    return 0;
  }
  const rows = parameters.map((p) => [
    p.name,
    p.type,
    `v${p.version}`,
    day(p.lastModifiedMs),
    oneLine(shown.get(p.name) ?? (p.type === "SecureString" ? HIDDEN : "")),
  ]);
  context.print(table(rows));
  return 0;
}

const oneLine = (value: string): string => value.replaceAll("\n", "\\n");

export async function treeOf(context: CommandContext, kiln: Kiln, [path]: Args, values: ParamsValues): Promise<number> {
  const parameters = await under(kiln, path);
  if (context.settings.output === "json") return listPath(context, kiln, path === undefined ? [] : [path], values);
  const shown = await shownValues(kiln, parameters, values);
  let previous: string[] = [];
  for (const parameter of parameters) {
    const parts = parameter.name.split("/").filter(Boolean);
    let same = 0;
    while (same < parts.length - 1 && parts[same] === previous[same]) same++;
    for (let depth = same; depth < parts.length - 1; depth++) context.print(`${"  ".repeat(depth)}${parts[depth]}/`);
    const value = shown.get(parameter.name);
    context.print(
      `${"  ".repeat(parts.length - 1)}${parts.at(-1)}  ${parameter.type} v${parameter.version}${value === undefined ? "" : `  ${oneLine(value)}`}`,
    );
    previous = parts;
  }
  return 0;
}

export async function getParameter(context: CommandContext, kiln: Kiln, [name = ""]: Args): Promise<number> {
  const get = kiln.root.call<{ Parameter?: WireParameter }>("ssm", "GetParameter", {
    Name: name,
    WithDecryption: true,
  });
  const found = (await unlessCode(["ParameterNotFound"], get))?.Parameter;
  if (!found) throw await notFound(kiln, name);
  if (context.settings.output === "json") context.printJson(found);
  else context.print(found.Value ?? "");
  return 0;
}

async function notFound(kiln: Kiln, name: string): Promise<KilnError> {
  const names = (await listParameters(kiln.root)).map((parameter) => parameter.name);
  const suggestion =
    names.find((known) => known.replace(/^\//, "") === name.replace(/^\//, "")) ?? nearest(name, names);
  return new KilnError({
    code: "KILN_E_NO_PARAMETER",
    message: `there is no parameter \`${name}\`${suggestion === undefined ? "" : `; the nearest is \`${suggestion}\``}`,
    fix: ["see them with `kiln params ls`"],
    exitCode: 1,
  });
}

export async function putParameter(
  context: CommandContext,
  kiln: Kiln,
  [name = "", given]: Args,
  values: ParamsValues,
): Promise<number> {
  const { io, settings } = context;
  const types = (["secure", "plain", "list"] as const).filter((flag) => values[flag]).map((flag) => `\`--${flag}\``);
  if (types.length > 1) throw usageError(`${types.join(" and ")} do not go together`, ["say one of them"]);
  const value = given ?? (settings.isInteractive ? await askHidden(io, `value of ${name}: `) : await readAll(io));
  if (value === "") {
    throw new KilnError({
      code: "KILN_E_EMPTY_VALUE",
      message: `the value of \`${name}\` is empty`,
      why: "Parameter Store does not take empty values",
      exitCode: 2,
    });
  }
  const type = values.plain ? "String" : values.list ? "StringList" : values.secure ? "SecureString" : undefined;
  const get = kiln.root.call<{ Parameter?: WireParameter }>("ssm", "GetParameter", { Name: name });
  const before = (await unlessCode(["ParameterNotFound"], get))?.Parameter;
  const { Version } = await kiln.root.call<{ Version?: number }>("ssm", "PutParameter", {
    Name: name,
    Value: value,
    Type: type ?? before?.Type ?? "SecureString",
    Overwrite: true,
    ...(values.description === undefined ? {} : { Description: values.description }),
    ...(values.keyId === undefined ? {} : { KeyId: values.keyId }),
  });
  if (settings.output === "json") context.printJson({ name, version: Version });
  else context.note(`${name}: version ${Version ?? 1}, ${type ?? before?.Type ?? "SecureString"}`);
  return 0;
}

export async function removeParameters(
  context: CommandContext,
  kiln: Kiln,
  names: Args,
  values: ParamsValues,
): Promise<number> {
  const all = (await listParameters(kiln.root)).map((parameter) => parameter.name);
  const doomed = [
    ...new Set(names.flatMap((name) => (values.recursive ? all.filter((known) => isUnder(known, name)) : [name]))),
  ];
  const absent = doomed.find((name) => !all.includes(name));
  if (absent !== undefined) throw await notFound(kiln, absent);
  if (values.recursive && !values.yes && doomed.length > 0) {
    throw new KilnError({
      code: "KILN_E_CONFIRM",
      message: `this deletes ${plural(doomed.length, "parameter")}: ${doomed.slice(0, 5).join(", ")}${doomed.length > 5 ? ", …" : ""}`,
      fix: ["add --yes to do it"],
      exitCode: 2,
    });
  }
  for (let start = 0; start < doomed.length; start += 10) {
    await kiln.root.call("ssm", "DeleteParameters", { Names: doomed.slice(start, start + 10) });
  }
  if (context.settings.output === "json") context.printJson({ deleted: doomed });
  else context.note(`deleted ${plural(doomed.length, "parameter")}`);
  return 0;
}

export async function printHistory(
  context: CommandContext,
  kiln: Kiln,
  [name = ""]: Args,
  values: ParamsValues,
): Promise<number> {
  const versions: WireParameter[] = [];
  let token: string | undefined;
  do {
    const call = kiln.root.call<{ Parameters?: WireParameter[]; NextToken?: string }>("ssm", "GetParameterHistory", {
      Name: name,
      WithDecryption: values.show === true,
      MaxResults: 50,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    const page = await unlessCode(["ParameterNotFound"], call);
    if (!page) throw await notFound(kiln, name);
    versions.push(...(page.Parameters ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  const withoutValue = ({ Value: _, ...rest }: WireParameter) => rest;
  if (context.settings.output === "json")
    context.printJson({ versions: values.show ? versions : versions.map(withoutValue) });
  else {
    context.print(
      table(
        versions.map((v) => [
          `v${v.Version}`,
          v.Type ?? "",
          day(v.LastModifiedDate ?? 0),
          v.LastModifiedUser ?? "",
          (v.Labels ?? []).join(","),
          values.show ? oneLine(v.Value ?? "") : "",
        ]),
      ),
    );
  }
  return 0;
}

export async function diffPaths(
  context: CommandContext,
  kiln: Kiln,
  [left = "/", right = "/"]: Args,
  values: ParamsValues,
): Promise<number> {
  const relative = (name: string, path: string) => name.slice(path.length).replace(/^\//, "");
  const side = async (path: string) => {
    const parameters = await under(kiln, path);
    const read = await readValues(
      kiln,
      parameters.map((parameter) => parameter.name),
    );
    return new Map(parameters.map((parameter) => [relative(parameter.name, path), read.get(parameter.name) ?? ""]));
  };
  const [a, b] = [await side(left), await side(right)];
  const differences = [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    if (x === y) return [];
    const kind = x === undefined ? "only in second" : y === undefined ? "only in first" : "different";
    return [{ name, kind, ...(values.show ? { first: x, second: y } : {}) }];
  });
  if (context.settings.output === "json") context.printJson({ differences });
  else if (differences.length === 0) context.note("no difference");
  else
    context.print(
      table(differences.map((d) => [d.name, d.kind, "first" in d ? `${d.first ?? "-"} | ${d.second ?? "-"}` : ""])),
    );
  return differences.length === 0 ? 0 : 1;
}

export async function grepParameters(
  context: CommandContext,
  kiln: Kiln,
  [text = ""]: Args,
  values: ParamsValues,
): Promise<number> {
  const all = await listParameters(kiln.root);
  const shown = await shownValues(kiln, all, values);
  const wanted = text.toLowerCase();
  const found = all.filter(
    ({ name, description }) =>
      name.toLowerCase().includes(wanted) ||
      description?.toLowerCase().includes(wanted) ||
      shown.get(name)?.toLowerCase().includes(wanted),
  );
  if (context.settings.output === "json") context.printJson({ parameters: found });
  else if (found.length > 0)
    context.print(table(found.map((p) => [p.name, p.type, `v${p.version}`, oneLine(shown.get(p.name) ?? "")])));
  return found.length > 0 ? 0 : 1;
}
