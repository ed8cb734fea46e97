/** Commands that only run another one: `sudo -E docker …`, `env A=b make`, `timeout 15 npm test`, `xargs docker push`. */
import type { ShellWord } from "./shell-model.ts";

interface Wrapper {
  /** Options that take the next word. */
  readonly valued?: RegExp;
  /** Words of its own before the command. */
  readonly ownWords?: number;
  /** Must follow, e.g. `run` of `poetry run pytest`. */
  readonly verb?: string;
}

const plain: Wrapper = {};
const user = { valued: /^(-u|-g|-h|-p|-r|-t|-C|-D|-R|--user|--group|--chdir)$/ };
const wrappers: ReadonlyMap<string, Wrapper> = new Map(
  Object.entries({
    sudo: user,
    doas: user,
    command: plain,
    exec: { valued: /^-a$/ },
    nohup: plain,
    time: { valued: /^(-f|-o|--format|--output)$/ },
    builtin: plain,
    env: { valued: /^(-u|-C|--unset|--chdir)$/ },
    timeout: { valued: /^(-k|-s|--kill-after|--signal)$/, ownWords: 1 },
    nice: { valued: /^(-n|--adjustment)$/ },
    ionice: { valued: /^(-c|-n|-p)$/ },
    stdbuf: { valued: /^(-i|-o|-e)$/ },
    retry: { valued: /^(-t|-d|-n|-s|-m|--times|--delay|--tries|--sleep|--max)$/ },
    setsid: plain,
    unbuffer: plain,
    "xvfb-run": { valued: /^(-n|-s|-e|-f|-p|-w|--server-num|--server-args|--error-file)$/ },
    xargs: { valued: /^(-n|-I|-P|-L|-d|-a|-s|-E|--max-args|--max-procs|--replace|--delimiter|--arg-file)$/ },
    poetry: { verb: "run" },
    pipenv: { verb: "run" },
    uv: { verb: "run", valued: /^(--with|--python|-p|--extra|--group|--env-file|--project|--directory)$/ },
    bundle: { verb: "exec" },
    "aws-vault": { verb: "exec", ownWords: 1 },
    dotenv: { valued: /^(-e|-f)$/ },
  } satisfies Record<string, Wrapper>),
);

/** Drops `sudo -E`, `env A=b`, `timeout 15`, … so the name is the program that really runs. */
export function withoutWrappers(words: readonly ShellWord[]): {
  nameWord: ShellWord | undefined;
  args: ShellWord[];
  wrappers: string[];
} {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    const name = words[at]?.text ?? "";
    const wrapper = wrappers.get(name);
    if (!wrapper || (wrapper.verb !== undefined && words[at + 1]?.text !== wrapper.verb)) break;
    if (name === "command" && /^-[vV]$/.test(words[at + 1]?.text ?? "")) break;
    const next = afterOwnWords(words, at + (wrapper.verb === undefined ? 1 : 2), wrapper, name);
    // `sudo -v`, `xargs` and `env` alone run nothing else.
    if (next >= words.length) break;
    names.push(name);
    at = next;
  }
  return { nameWord: words[at], args: words.slice(at + 1), wrappers: names };
}

function afterOwnWords(words: readonly ShellWord[], start: number, wrapper: Wrapper, name: string): number {
  let at = start;
  for (; at < words.length; at++) {
    const text = words[at]?.text ?? "";
    if (text === "--") {
      at++;
      break;
    }
    if (wrapper.valued?.test(text)) at++;
    else if (!text.startsWith("-") && !(/^(env|sudo)$/.test(name) && /^[A-Za-z_]\w*=/.test(words[at]?.source ?? "")))
      break;
  }
  at += wrapper.ownWords ?? 0;
  return words[at]?.text === "--" ? at + 1 : at;
}
