/**
 * `kiln run -p NAME=VALUE`: a parameter for one run, put before the build as a SecureString and deleted afterwards. It
 * carries an Expiration policy a little after the build's timeout, so that a run that was killed leaves no value behind.
 * A parameter that exists is never touched: its history and its value belong to the user.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
 */
import type { Kiln } from "../../app.ts";
import { MINUTE_MS, systemClock } from "../../core/clock.ts";
import { KilnError } from "../../core/errors.ts";
import type { CommandContext } from "../command-context.ts";
import type { Assignment } from "../env-file.ts";
import { listParameters } from "../params/parameters.ts";

/** Between the build's timeout and the end of its parameters: queueing, download, clean-up. */
const GRACE_MINUTES = 15;
const DESCRIPTION = "For one run (kiln run -p)";

/** Runs `work` with the parameters in the store. Refuses names that exist. */
export async function withRunParameters<T>(
  context: CommandContext,
  kiln: Kiln,
  assignments: readonly Assignment[],
  timeoutMinutes: number,
  work: () => Promise<T>,
): Promise<T> {
  if (assignments.length === 0) return work();
  const wanted = new Set(assignments.map(({ name }) => name));
  const taken = (await listParameters(kiln.root)).find(({ name }) => wanted.has(name));
  if (taken) throw taken.description === DESCRIPTION ? leftByRun(taken.name) : parameterExists(taken.name);
  const expiresAtMs = systemClock.nowMs() + (timeoutMinutes + GRACE_MINUTES) * MINUTE_MS;
  const put: string[] = [];
  try {
    for (const { name, value } of assignments) {
      await kiln.root.call("ssm", "PutParameter", {
        Name: name,
        Value: value,
        Type: "SecureString",
        Description: DESCRIPTION,
        // AWS: parameter policies need the advanced tier.
        Tier: "Advanced",
        Policies: JSON.stringify([expiration(expiresAtMs)]),
      });
      put.push(name);
    }
    context.note(`parameters for this run: ${put.join(", ")}`);
    return await work();
  } finally {
    for (const Name of put) await kiln.root.call("ssm", "DeleteParameter", { Name });
  }
}

const expiration = (atMs: number) => ({
  Type: "Expiration",
  Version: "1.0",
  Attributes: { Timestamp: new Date(atMs).toISOString() },
});

const parameterExists = (name: string): KilnError =>
  new KilnError({
    code: "KILN_E_PARAMETER_EXISTS",
    message: `the parameter \`${name}\` exists, so it cannot be one for this run only`,
    why: "`-p` would have to overwrite it, which changes its version for good",
    fix: [`change it: kiln params put ${name}`, "or use another state folder for this run: --state-dir FOLDER"],
    exitCode: 2,
  });

const leftByRun = (name: string): KilnError =>
  new KilnError({
    code: "KILN_E_PARAMETER_EXISTS",
    message: `the parameter \`${name}\` belongs to another \`kiln run -p\``,
    why: "that run is still going, or it was killed before it could delete the parameter, which expires by itself",
    fix: [`if no such run is going: kiln params rm ${name}`],
    exitCode: 2,
  });
