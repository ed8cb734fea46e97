/** What the leak guard told of a build, collected from its events, and as a person reads it. */
import type { BuildEvent, Leak, LeakCheck } from "../build/run/events.ts";
import { visibleText, visibleTexts } from "../core/visible-text.ts";
import type { CommandContext } from "./command-context.ts";
import { paint } from "./paint.ts";
import { plural } from "./plural.ts";

export class BuildLeaks {
  readonly #leaks: Leak[] = [];
  #check: LeakCheck | undefined;

  see(event: BuildEvent): void {
    if (event.type !== "leak" && event.type !== "leak-check") return;
    const { buildId: _, atMs: __, ...rest } = event;
    if (rest.type === "leak") this.#leaks.push(withoutType(rest));
    else this.#check = withoutType(rest);
  }

  /** Of secrets that the build was given: what only looks like one may be an example. */
  get count(): number {
    return this.#leaks.filter(({ secret }) => secret.isUnknown !== true).length;
  }

  /** As JSON has it; nothing of a build that was given no secret. */
  get told(): { readonly leaks?: readonly Leak[]; readonly leakCheck?: LeakCheck } {
    return {
      ...(this.#leaks.length === 0 ? {} : { leaks: this.#leaks }),
      ...(this.#check === undefined ? {} : { leakCheck: this.#check }),
    };
  }

  /** For people; empty where there is nothing to say. With `isWhole` also what was not looked for. */
  text({ settings }: Pick<CommandContext, "settings">, isWhole = settings.isVerbose): string {
    const colours = paint(settings.hasColor);
    const lines: string[] = [];
    const { count } = this;
    if (count > 0) lines.push(colours.bold(colours.red(`the build leaks its secrets in ${plural(count, "place")}`)));
    // What to do about one secret is the same in all its places: said at the first.
    const advised = new Set<string>();
    for (const { secret, message, why, fix, at } of this.#leaks) {
      const head = secret.isUnknown ? colours.yellow("perhaps a leak") : colours.red("leak");
      const place = at === undefined ? "" : `${at.file}:${at.line}: `;
      const fresh = fix.filter((text) => !advised.has(`${secret.title}\n${text}`));
      for (const text of fix) advised.add(`${secret.title}\n${text}`);
      lines.push(
        `${head} ${visibleText(place + message)}`,
        ...visibleTexts([`  ${why}`, ...fresh.map((text) => `  fix: ${text}`)]),
      );
    }
    for (const text of this.#check?.notLookedAt ?? []) lines.push(colours.dim(`not looked into: ${visibleText(text)}`));
    if (isWhole) for (const text of this.#check?.notSearched ?? []) lines.push(colours.dim(`not looked for: ${text}`));
    if (isWhole && this.#leaks.length === 0 && this.#check) {
      const { secrets, bytes, durationMs } = this.#check;
      const searched = `${(bytes / 1024 ** 2).toFixed(1)} MiB in ${(durationMs / 1000).toFixed(1)} s`;
      lines.push(colours.dim(`no leak: ${plural(secrets, "secret")} looked for in ${searched}`));
    }
    return lines.join("\n");
  }
}

const withoutType = <E extends { readonly type: string }>({ type: _, ...rest }: E): Omit<E, "type"> => rest;
