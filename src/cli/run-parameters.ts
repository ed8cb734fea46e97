/**
 * `kiln run -p NAME=VALUE`: a parameter for one run. It is put before the build as a SecureString and taken away
 * afterwards: removed when it did not exist, else put back (which leaves two new versions in its history).
 */
import type { Kiln } from "../app.ts";
import type { CommandContext } from "./command-context.ts";
import type { Assignment } from "./env-file.ts";
import { unlessCode } from "./parameters.ts";

interface Parameter {
  readonly Name?: string;
  readonly Value?: string;
  readonly Type?: string;
}

export async function withRunParameters<T>(
  context: CommandContext,
  kiln: Kiln,
  assignments: readonly Assignment[],
  work: () => Promise<T>,
): Promise<T> {
  const restores: (() => Promise<unknown>)[] = [];
  try {
    for (const { name, value } of assignments) {
      const get = kiln.root.call<{ Parameter?: Parameter }>("ssm", "GetParameter", {
        Name: name,
        WithDecryption: true,
      });
      const before = (await unlessCode(["ParameterNotFound"], get))?.Parameter;
      const put = { Name: name, Value: value, Type: before?.Type ?? "SecureString", Overwrite: true };
      await kiln.root.call("ssm", "PutParameter", put);
      restores.unshift(() =>
        before
          ? kiln.root.call("ssm", "PutParameter", {
              Name: name,
              Value: before.Value,
              Type: before.Type,
              Overwrite: true,
            })
          : kiln.root.call("ssm", "DeleteParameter", { Name: name }),
      );
    }
    if (assignments.length > 0)
      context.note(`parameters for this run: ${assignments.map(({ name }) => name).join(", ")}`);
    return await work();
  } finally {
    for (const restore of restores) await restore();
  }
}
