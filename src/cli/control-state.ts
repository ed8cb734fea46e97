/**
 * What a running Kiln's control API says is set, for `kiln status`: somebody who wonders about a refused call or a strange
 * date must see that the clock was moved, that calls are made to fail, or that nothing is enforced. docs/control-api.md.
 */

/** `GET /_kiln/control`, as far as it is shown. */
export interface ControlState {
  readonly clock: { readonly now: string; readonly offsetMs: number };
  readonly keys: { readonly lenient: boolean; readonly accountId: string };
  readonly faults: readonly {
    readonly id: string;
    readonly kind: string;
    readonly service: string;
    readonly operation: string;
    readonly times: number | "always";
    readonly hits: number;
  }[];
}

const TIMEOUT_MS = 5_000;

/** Undefined where the API is off, or nobody answers. */
export async function controlState(url: string): Promise<ControlState | undefined> {
  try {
    const answer = await fetch(`${url}/_kiln/control`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) return undefined;
    const { clock, keys, faults } = (await answer.json()) as ControlState;
    return { clock, keys, faults };
  } catch {
    return undefined;
  }
}

/** One line for the API, and one for each thing that is not as at the start. */
export function controlLines({ clock, keys, faults }: ControlState): string[] {
  return [
    "control API is on",
    ...(clock.offsetMs === 0 ? [] : [`clock moved: it is ${clock.now} for the services`]),
    ...(keys.lenient ? [`lenient keys: any key acts as root of ${keys.accountId}, nothing is enforced`] : []),
    ...faults.map(
      ({ id, kind, service, operation, times, hits }) =>
        `${id}: ${kind} of ${service}:${operation}, ${times === "always" ? "always" : `${times} times`}, hit ${hits} so far`,
    ),
  ];
}
