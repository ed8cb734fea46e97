/** Collects hits as leaks: one a secret and place, in the order in which they were found, up to a bound. */
import type { Leak, LeakForm, LeakPlace } from "../build/run/events.ts";
import { type GivenSecret, namesOf } from "./given-secret.ts";
import { adviceOn } from "./leak-advice.ts";

/** What a pattern stands for. */
export interface SearchedForm {
  readonly secret: GivenSecret;
  readonly form: LeakForm;
}

/** A build that writes its environment into every file would be thousands. */
export const MAX_LEAKS = 100;

interface Found {
  readonly secret: GivenSecret;
  readonly place: LeakPlace;
  readonly form: LeakForm;
  readonly isWrapped: boolean;
  readonly at?: { readonly file: string; readonly line: number };
  occurrences: number;
}

export class LeakReport {
  readonly #found = new Map<string, Found>();
  #beyond = 0;

  /** `place.line` is that of the first hit. */
  add(
    { secret, form }: SearchedForm,
    place: LeakPlace,
    { isWrapped, at }: { readonly isWrapped: boolean; readonly at?: Found["at"] },
  ): void {
    const where = whereOf(place, at);
    const key = JSON.stringify([secret.origin, secret.variables, where]);
    const known = this.#found.get(key);
    if (known) known.occurrences++;
    else if (this.#found.size >= MAX_LEAKS) this.#beyond++;
    else this.#found.set(key, { secret, place, form, isWrapped, occurrences: 1, ...(at ? { at } : {}) });
  }

  /** Hits beyond the bound on places. */
  get beyond(): number {
    return this.#beyond;
  }

  leaks(): Leak[] {
    return [...this.#found.values()].map(({ secret, place, form, isWrapped, occurrences, at }) => {
      const names = namesOf(secret);
      const variable = names.variables[0];
      return {
        secret: names,
        place,
        form,
        ...(isWrapped ? { isWrapped: true as const } : {}),
        occurrences,
        ...adviceOn({ title: names.title, origin: secret.origin, variable, place, form, isWrapped }),
        ...(at ? { at } : {}),
      };
    });
  }
}

/** What one finding is enough for: a command's output in the log, a Dockerfile's line in the history. */
function whereOf(place: LeakPlace, at: Found["at"]): object {
  if (place.kind === "log") return { kind: "log", at };
  if (place.kind === "image" && place.part === "history" && at) return { ...place, instruction: at };
  return { ...place, line: 0 };
}
