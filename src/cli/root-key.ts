/**
 * The root key of one's own that `kiln start` takes and `kiln env` hands out: two variables, because flags are in every
 * process list.
 */
import { usageError } from "../core/errors.ts";
import type { CliIo } from "./io.ts";

const ID = "KILN_ROOT_ACCESS_KEY_ID";
const SECRET = "KILN_ROOT_SECRET_ACCESS_KEY";

/** Undefined where neither variable is set: `test`/`test`. */
export function ownRootKey(
  env: CliIo["env"],
): { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined {
  const [accessKeyId, secretAccessKey] = [env[ID], env[SECRET]];
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  if (!accessKeyId && !secretAccessKey) return undefined;
  const [given, lacking] = accessKeyId ? [ID, SECRET] : [SECRET, ID];
  throw usageError(`${given} is set and ${lacking} is not`, ["set both, or neither"]);
}
