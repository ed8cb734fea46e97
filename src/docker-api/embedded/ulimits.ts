/** `--ulimit` of a container or a build, as the API gives it. Source: prlimit(1). */
import { ApiError } from "./api.ts";
import type { Ulimit } from "./build/build-request.ts";

const NAMES = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

export const isUlimitName = (name: string): boolean => NAMES.has(name);

/** Wire shape. */
export interface UlimitBody {
  Name?: string;
  Soft?: number;
  Hard?: number;
}

/** Throws docker's answer for a name that is no limit and for what is no number. */
export function readUlimits(limits: readonly UlimitBody[]): Ulimit[] {
  return limits.map(({ Name: name = "", Soft: soft = 0, Hard: hard = soft }) => {
    if (!isUlimitName(name)) throw new ApiError(400, `invalid ulimit type: ${name}`);
    if (!Number.isInteger(soft) || !Number.isInteger(hard)) throw new ApiError(400, `invalid ulimit value: ${name}`);
    return { name, soft, hard };
  });
}
