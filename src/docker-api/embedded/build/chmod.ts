/**
 * `--chmod` of COPY and ADD: an octal number, or changes as chmod(1) takes them (`u=rwX,go-w`). Pure.
 * Source: https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
 */

/** The new permission bits of a file that has some. */
export type ModeChange = (mode: number, isFolder: boolean) => number;

/** Undefined for what is no mode. */
export function parseChmod(text: string): ModeChange | undefined {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return mode > 0o7777 ? undefined : () => mode;
  }
  const clauses = text.split(",").map(parseClause);
  if (clauses.some((clause) => clause === undefined)) return undefined;
  return (mode, isFolder) => clauses.reduce((current, clause) => clause?.(current, isFolder) ?? current, mode);
}

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const RIGHTS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };
const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

function parseClause(text: string): ModeChange | undefined {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text);
  if (!match) return undefined;
  const [, who = "", actions = ""] = match;
  const mask = [...(who || "a")].reduce((bits, one) => bits | (WHO[one] ?? 0), 0);
  const steps = [...actions.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)];
  return (start, isFolder) => {
    let mode = start;
    for (const [, operator = "=", rights = ""] of steps) {
      const bits = rightsOf(rights, mode, isFolder) & mask;
      if (operator === "+") mode |= bits;
      else if (operator === "-") mode &= ~bits;
      else mode = (mode & ~mask) | bits;
    }
    return mode & 0o7777;
  };
}

function rightsOf(rights: string, mode: number, isFolder: boolean): number {
  const copied = SHIFT[rights];
  if (copied !== undefined && rights.length === 1) {
    const three = (mode >> copied) & 7;
    return (three << 6) | (three << 3) | three;
  }
  let bits = 0;
  for (const right of rights) {
    if (right === "X") bits |= isFolder || (mode & 0o111) !== 0 ? 0o111 : 0;
    else bits |= RIGHTS[right] ?? 0;
  }
  return bits;
}
