/** HEALTHCHECK: its form was checked when the Dockerfile was read. */

import { goDuration, goQuotedList, goQuotedRune, parseGoDuration } from "../../../dockerfile/go-text.ts";
import type { Instruction } from "../../../dockerfile/instruction.ts";
import { jsonForm } from "../../../dockerfile/instruction-forms.ts";
import type { Healthcheck } from "../../../images/image.ts";
import type { Conversion, StageState } from "./stage-state.ts";

export function convertHealthcheck(state: StageState, instruction: Instruction): Conversion {
  const own = readHealthcheck(instruction);
  const inherited = state.config.Healthcheck;
  // The classic builder takes what is not given from the parent's; BuildKit replaces it as a whole.
  const { Test: _, ...rest } = inherited ?? { Test: [] };
  const isMerged = state.scope.request.style === "classic" && inherited !== undefined;
  state.config = { ...state.config, Healthcheck: isMerged ? { ...rest, ...own } : own };
  return { createdBy: `HEALTHCHECK ${shown(own)}` };
}

function readHealthcheck({ text, flags }: Instruction): Healthcheck {
  const [kind = ""] = text.split(/\s+/);
  if (kind.toUpperCase() === "NONE") return { Test: ["NONE"] };
  const command = text.slice(kind.length).trim();
  const exec = jsonForm(command);
  const value = (name: string): string => flags.find((flag) => flag.name === name)?.value ?? "";
  const nanoseconds = (name: string): number => parseGoDuration(value(name)) ?? 0;
  const [Interval, Timeout] = [nanoseconds("interval"), nanoseconds("timeout")];
  const [StartPeriod, StartInterval] = [nanoseconds("start-period"), nanoseconds("start-interval")];
  const Retries = Number(value("retries") || 0);
  return {
    Test: Array.isArray(exec) ? ["CMD", ...exec] : ["CMD-SHELL", command],
    ...(Interval !== 0 && { Interval }),
    ...(Timeout !== 0 && { Timeout }),
    ...(StartPeriod !== 0 && { StartPeriod }),
    ...(StartInterval !== 0 && { StartInterval }),
    ...(Retries !== 0 && { Retries }),
  };
}

/** Go's `%q` of a pointer to the struct. */
function shown({ Test, Interval, Timeout, StartPeriod, StartInterval, Retries }: Healthcheck): string {
  const times = [Interval, Timeout, StartPeriod, StartInterval].map((time) => `"${goDuration(time ?? 0)}"`);
  return `&{${goQuotedList(Test)} ${times.join(" ")} ${goQuotedRune(Retries ?? 0)}}`;
}
