/**
 * Functions that rotate secrets. There is no Lambda here: the user says which http(s) address of this machine stands for
 * a function's ARN, and run-rotation.ts posts to it what AWS gives the function. Not AWS's API; app.ts offers it.
 */
import { parseArn } from "../../../core/arn.ts";
import { KilnError } from "../../../core/errors.ts";
import { isLoopbackHost } from "../../../core/loopback.ts";
import type { RotationFunction, RotationFunctions } from "../../../core/rotation-functions.ts";
import type { Collection, Store } from "../../../store/store.ts";

const functionsIn = (store: Store): Collection<RotationFunction> =>
  store.collection("secretsmanager/rotation-functions");

/** Where the function of this ARN is, if the user has said so: a record that nobody registered here is none. */
export function functionUrl(store: Store, arn: string): string | undefined {
  const url = functionsIn(store).get([arn])?.url;
  return url !== undefined && isOnLoopback(url) ? url : undefined;
}

export const rotationFunctions = (store: Store): RotationFunctions => ({
  async register({ arn, url }) {
    requireFunctionArn(arn);
    requireLoopback(url);
    await store.write(() => functionsIn(store).put([arn], { arn, url }));
  },
  list: () =>
    functionsIn(store)
      .list([])
      .map((entry) => entry.value),
  remove: (arn) =>
    store.write(() => {
      const isKnown = functionsIn(store).has([arn]);
      functionsIn(store).delete([arn]);
      return isKnown;
    }),
});

function requireFunctionArn(arn: string): void {
  const parsed = parseArn(arn);
  if (parsed?.service === "lambda" && parsed.resource.startsWith("function:")) return;
  throw new KilnError({
    code: "KILN_E_ROTATION_FUNCTION",
    message: `\`${arn}\` is not the ARN of a Lambda function`,
    fix: ["give an ARN like arn:aws:lambda:us-east-1:000000000000:function:rotate"],
    exitCode: 2,
  });
}

/** An http(s) address of this machine, without a password: addresses are shown. */
function isOnLoopback(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url?.username === "" && url.password === "";
  return url !== undefined && isBare && /^https?:$/.test(url.protocol) && isLoopbackHost(url.hostname);
}

const withoutPassword = (text: string): string => text.replace(/\/\/[^/?#]*@/, "//…@");

/** What rotates a secret is told of it: nothing off this machine. */
function requireLoopback(text: string): void {
  if (isOnLoopback(text)) return;
  throw new KilnError({
    code: "KILN_E_ROTATION_FUNCTION",
    message: `\`${withoutPassword(text)}\` is not an address of this machine`,
    why: "rotation functions are called on loopback only, by addresses without a name and a password",
    fix: ["give a URL like http://127.0.0.1:8080/rotate"],
    exitCode: 2,
  });
}
