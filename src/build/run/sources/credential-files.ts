/**
 * Credentials of git servers, as git fetches them: a small helper program and one private file a server, both in the
 * build's private folder. They appear in no argument, URL or git configuration. After DOWNLOAD_SOURCE they are removed,
 * or, with `env.git-credential-helper: yes`, kept for git in the build's commands.
 * Protocol: https://git-scm.com/docs/git-credential
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { shellQuote } from "../../../core/shell-quote.ts";
import type { UserAndPassword } from "./git-url.ts";

interface Entry extends UserAndPassword {
  readonly protocol: string;
  readonly host: string;
}

export class CredentialFiles {
  readonly #folder: string;
  readonly #entries: Entry[] = [];
  readonly #secrets = new Set<string>();
  #number = 0;

  /** `privateDir`: the build's folder for secrets. Nothing is written before the first `add`. */
  constructor(privateDir: string) {
    this.#folder = join(privateDir, "git-credentials");
  }

  /** Texts that no log may show. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  nextNumber(): number {
    return this.#number++;
  }

  /** Git settings with which exactly these credentials are used, and only for this server. */
  async add(server: { readonly protocol: string; readonly host: string }, given: UserAndPassword): Promise<string[]> {
    const entry = { ...server, ...given };
    this.#secrets.add(given.password);
    // A token may be the user's name in a URL (`https://<token>@…`).
    if (given.password === "" || given.password === "x-oauth-basic") this.#secrets.add(given.username);
    this.#secrets.add(encodeURIComponent(given.password));
    this.#entries.push(entry);
    return ["credential.helper=", `credential.helper=${await this.#install(`source-${this.nextNumber()}`, [entry])}`];
  }

  /** Variables that give git in the build's commands the credentials of all sources; none where there are none. */
  async keepForCommands(): Promise<Record<string, string>> {
    if (this.#entries.length === 0) return {};
    const helper = await this.#install("build", this.#entries);
    return { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "credential.helper", GIT_CONFIG_VALUE_0: helper };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #install(name: string, entries: readonly Entry[]): Promise<string> {
    const folder = join(this.#folder, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const cases: string[] = [];
    for (const [index, { protocol, host, username, password }] of entries.entries()) {
      const file = join(folder, String(index));
      await writeFile(file, `username=${username}\npassword=${password}\n`, { mode: 0o600 });
      cases.push(`  ${shellQuote(`${protocol}://${host}`)}) cat "\${0%/*}/${index}" ;;`);
    }
    const program = join(folder, "helper");
    await writeFile(program, helperScript(cases), { mode: 0o700 });
    return `!${shellQuote(program)}`;
  }
}

/** The first source of a server answers for it. */
const helperScript = (cases: readonly string[]): string => `#!/bin/sh
[ "$1" = get ] || exit 0
protocol= host=
while IFS= read -r line; do
  case $line in
    '') break ;;
    protocol=*) protocol=\${line#protocol=} ;;
    host=*) host=\${line#host=} ;;
  esac
done
case $protocol://$host in
${cases.join("\n")}
esac
`;
