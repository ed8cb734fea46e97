/** git and ssh: authentication, what is not there, ownership, shallow clones. Source: https://git-scm.com/docs */
import { shellWord } from "../../../core/shell-word.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolReader } from "../tool-failure.ts";

const TOKEN =
  "give git a token, from Secrets Manager: `git config --global credential.helper`, or an URL with it; for ssh write a key to `~/.ssh` first";

const forms = lineReader("git", [
  {
    mark: "detected dubious ownership",
    pattern: /^fatal: (?:detected dubious ownership in|unsafe) repository (?:at )?\(?'([^']+)'/,
    kind: "permission",
    say: ([, folder]) => `git does not trust ${quote(folder)}: it belongs to another user`,
    fix: ([, folder]) => ({
      kind: "command",
      title: "tell git that it may be used, before the command",
      commands: [`git config --global --add safe.directory ${shellWord(folder ?? "FOLDER")}`],
    }),
  },
  {
    mark: "not a git repository",
    pattern: /^fatal: not a git repository/,
    kind: "configuration",
    say: () => "the source has no `.git`: git commands cannot work here",
    why: "a source from S3 or CodePipeline is a plain archive; only a git source is a clone",
    next: 'use CODEBUILD_RESOLVED_SOURCE_VERSION, or for CodePipeline the output format "full clone"',
  },
  {
    mark: "could not read Username",
    pattern: /^fatal: could not read (?:Username|Password) for '([^']+)'/,
    kind: "authentication",
    say: ([, url]) => `${quote(url)} wants a login, and git has none`,
    next: TOKEN,
  },
  {
    mark: "Authentication failed for",
    pattern: /^(?:fatal|remote): Authentication failed for '([^']+)'/,
    kind: "authentication",
    say: ([, url]) => `${quote(url)} does not accept the login`,
    next: TOKEN,
  },
  {
    mark: "remote: ",
    pattern:
      /^remote: ((?:Repository|The project you were looking for) (?:could )?not (?:be )?found.*|Invalid username or (?:password|token).*|Support for password authentication was removed.*|Permission to \S+ denied to .+|HTTP Basic: Access denied.*)$/,
    kind: ([, text]) => (/not (?:be )?found/.test(text ?? "") ? "dependency-not-found" : "authentication"),
    say: ([, text]) => `the git server says: ${short(text)}`,
    next: TOKEN,
    below: /^fatal: /,
  },
  {
    mark: "ERROR: Repository not found",
    pattern: /^ERROR: Repository not found/,
    kind: "authentication",
    say: () => "the git server has no such repository, or the key may not see it",
    next: TOKEN,
    below: /^fatal: /,
  },
  {
    mark: "Permission denied (publickey",
    pattern: /^(?:(\S+): )?Permission denied \(publickey[^)]*\)/,
    kind: "authentication",
    say: ([, who]) => `ssh: the server does not accept the key${who === undefined ? "" : ` of ${quote(who)}`}`,
    next: "write the key to `~/.ssh/id_ed25519` with mode 600 before, from Secrets Manager",
    below: /^fatal: /,
  },
  {
    mark: "Host key verification failed",
    pattern: /^Host key verification failed/,
    kind: "authentication",
    say: () => "ssh does not know the server's key",
    next: "add it before: `ssh-keyscan HOST >> ~/.ssh/known_hosts`",
    below: /^fatal: /,
  },
  {
    mark: "REMOTE HOST IDENTIFICATION HAS CHANGED",
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    kind: "authentication",
    say: () => "ssh knows another key of this server",
    next: "remove the old one from known_hosts if the server's key was renewed",
  },
  {
    mark: "Load key ",
    pattern: /^Load key "([^"]+)": (.+)$/,
    rank: "symptom",
    kind: "authentication",
    say: ([, file, text]) => `ssh cannot use the key ${quote(file)}: ${short(text)}`,
    next: "a key from a variable often lost its line ends: quote it, and end it with a line feed",
  },
  {
    mark: "UNPROTECTED PRIVATE KEY FILE",
    pattern: /UNPROTECTED PRIVATE KEY FILE/,
    kind: "permission",
    say: () => "ssh does not use a key that others may read",
    next: "`chmod 600` it",
    below: /^Permissions \d+ for /,
  },
  {
    mark: "ssh: Could not resolve hostname",
    pattern: /^ssh: Could not resolve hostname (\S+?): /,
    kind: "network",
    say: ([, host]) => `the host name ${quote(host)} does not resolve`,
    below: /^fatal: /,
  },
  {
    mark: "ssh: connect to host",
    pattern: /^ssh: connect to host (\S+) port (\d+): (.+)$/,
    kind: "network",
    say: ([, host, port, text]) => `ssh does not reach ${quote(`${host}:${port}`)}: ${short(text)}`,
    below: /^fatal: |^lost connection/,
  },
  {
    mark: "unable to access",
    pattern: /^fatal: unable to access '([^']+)': (.+)$/,
    kind: ([, , text]) => knownTrouble(text ?? "")?.kind ?? "network",
    say: ([, url, text]) => `git cannot reach ${quote(url)}: ${short(text)}`,
  },
  {
    mark: "does not appear to be a git repository",
    pattern: /^fatal: '([^']+)' does not appear to be a git repository/,
    kind: "configuration",
    say: ([, name]) => `git knows no remote ${quote(name)}`,
  },
  {
    mark: "fatal: repository",
    pattern: /^fatal: repository '([^']+)' (?:does not exist|not found)/,
    kind: "dependency-not-found",
    say: ([, url]) => `there is no git repository ${quote(url)}`,
  },
  {
    mark: "Remote branch",
    pattern:
      /^(?:fatal|warning): (?:Could not find remote branch|Remote branch) (\S+)(?: not found in upstream \S+| to clone)/,
    kind: "configuration",
    say: ([, name]) => `the remote has no branch or tag ${quote(name)}`,
  },
  {
    mark: "couldn't find remote ref",
    pattern: /^fatal: (?:couldn't|could not) find remote ref (\S+)/i,
    kind: "configuration",
    say: ([, name]) => `the remote has no ${quote(name)}`,
  },
  {
    mark: "pathspec",
    pattern: /^error: pathspec '([^']+)' did not match any file/,
    kind: "configuration",
    say: ([, name]) => `git knows no branch, commit or file ${quote(name)}`,
    why: "CodeBuild's clone has only the commit that is built unless the clone depth is full",
    next: "`git fetch --all --tags` before, and set the source's `gitCloneDepth` to 0",
  },
  {
    mark: "unknown revision or path",
    pattern: /^fatal: ambiguous argument '([^']+)': unknown revision/,
    kind: "configuration",
    say: ([, name]) => `git knows no revision ${quote(name)}`,
    why: "CodeBuild's clone has only a part of the history unless the clone depth is full",
    next: "set the source's `gitCloneDepth` to 0, or `git fetch --unshallow` before",
  },
  {
    mark: "cannot describe",
    pattern: /^fatal: No (?:names|tags|annotated tags) .*cannot describe|^fatal: No tags can describe/,
    kind: "configuration",
    say: () => "git finds no tag to describe the commit with",
    why: "CodeBuild's clone brings no tags",
    next: "`git fetch --tags --unshallow` before (with `git-credential-helper: yes`), or set `gitCloneDepth` to 0",
  },
  {
    mark: "shallow",
    pattern: /^(?:fatal|error|remote|\s*!.*): ?.*shallow (?:update not allowed|file has changed|clone).*$/,
    kind: "configuration",
    say: () => "the clone is shallow: it has not enough history for this",
    next: "set the source's `gitCloneDepth` to 0, or `git fetch --unshallow` before",
  },
  {
    mark: "refusing to merge unrelated histories",
    pattern: /^fatal: refusing to merge unrelated histories/,
    kind: "configuration",
    say: () => "git sees no common history: the clone is shallow",
    next: "set the source's `gitCloneDepth` to 0, or `git fetch --unshallow` before",
  },
  {
    mark: "Please tell me who you are",
    pattern: /^\*\*\* Please tell me who you are/,
    kind: "configuration",
    say: () => "git does not know who commits",
    fix: () => ({
      kind: "command",
      title: "say it before",
      commands: ["git config --global user.name ci", "git config --global user.email ci@example.com"],
    }),
    below: /^fatal: /,
  },
  {
    mark: "Automatic merge failed",
    pattern: /^Automatic merge failed; fix conflicts/,
    kind: "configuration",
    say: () => "git could not merge: the same lines were changed on both sides",
  },
  {
    mark: "[rejected]",
    pattern: /^ ! \[(?:remote )?rejected\]\s+(\S+) -> (\S+) \((.+)\)/,
    kind: "permission",
    say: ([, , branch, text]) => `the push to ${quote(branch)} was refused: ${short(text)}`,
    below: /^error: failed to push|^hint: Updates were/,
  },
  {
    mark: "No configured push destination",
    pattern: /^fatal: No configured push destination/,
    kind: "configuration",
    say: () => "git does not know where to push",
  },
  {
    mark: "has no upstream branch",
    pattern: /^fatal: The current branch (\S+) has no upstream branch/,
    kind: "configuration",
    say: ([, name]) => `git does not know where to push ${quote(name)}`,
  },
  {
    mark: "You are not currently on a branch",
    pattern: /^(?:fatal: )?You are not currently on a branch/,
    kind: "configuration",
    say: () => "the clone is on no branch",
    why: "CodeBuild checks the commit out, not the branch",
    next: "`git checkout -B BRANCH` before, or push `HEAD:BRANCH`",
  },
  {
    mark: "No url found for submodule path",
    pattern: /^fatal: No url found for submodule path '([^']+)' in \.gitmodules/,
    kind: "configuration",
    say: ([, path]) => `.gitmodules has no URL for ${quote(path)}`,
  },
  {
    mark: "of submodule path",
    pattern: /^fatal: clone of '([^']+)' into submodule path '([^']+)' failed/,
    rank: "wrapper",
    kind: "authentication",
    say: ([, url]) => `the submodule ${quote(url)} could not be cloned`,
  },
  {
    mark: "git-lfs",
    pattern: /^(?:git-lfs|.*git-lfs).*: (?:command )?not found/,
    kind: "command-not-found",
    say: () => "git-lfs is not installed where the build runs",
  },
  {
    mark: "fatal: ",
    pattern: /^fatal: (?!Could not read from remote|unable to auto-detect|early EOF|fetch-pack|could not fetch)(.+)$/,
    rank: "symptom",
    kind: ([, text]) => knownTrouble(text ?? "")?.kind ?? "runtime-error",
    say: ([, text]) => `git failed: ${short(text)}`,
  },
]);

export const git: ToolReader = {
  tool: "git",
  marks: forms.marks,
  read(log) {
    const reading = forms.read(log);
    const isSsh =
      reading &&
      /^ssh: |Permission denied \(publickey|^Host key|^Load key|PRIVATE KEY|HOST IDENT/.test(
        log.lines[reading.at] ?? "",
      );
    return isSsh && !/\bgit\b/.test(log.command) && reading.lines.length < 2 ? { ...reading, tool: "ssh" } : reading;
  },
};
