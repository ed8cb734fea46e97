/**
 * Which words of a command name a file or folder that must exist, parsed as the program itself parses its arguments
 * (`pip install --force-reinstall .` is not `-r einstall`). What `docker build` reads is docker-build.ts's.
 */

import { ownValue } from "../../core/own-value.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import {
  type CommandArguments,
  hasOption,
  names,
  type OptionUse,
  optionsNamed,
  readArguments,
} from "./command-arguments.ts";

export interface PathUse {
  readonly word: ShellWord;
  /** The path as written, e.g. the part after `--requirement=`. */
  readonly path: string;
  readonly kind: "file" | "directory" | "any";
  /** What uses it, e.g. `pip install -r`. */
  readonly user: string;
  /** Any of these added to the path will do, e.g. `.js`. */
  readonly suffixes?: readonly string[];
  /** Unquoted wildcards: something must match. */
  readonly isGlob?: true;
}

type Reader = (args: readonly ShellWord[], name: string) => PathUse[];

export function pathUsesOf(command: ShellCommand): PathUse[] {
  const { name, args, nameWord } = command;
  if (name === undefined) return [];
  const own = /^\.{1,2}\//.test(name) && nameWord ? use(nameWord, "file", name) : [];
  const reader = ownValue(readers, name);
  return [...own, ...(reader?.(args, name) ?? []), ...inputs(command)];
}

/** `program < file` */
const inputs = ({ redirects }: ShellCommand): PathUse[] =>
  redirects.flatMap(({ operator, target }) => (operator === "<" && target ? use(target, "file", "<") : []));

function use(word: ShellWord, kind: PathUse["kind"], user: string, more: Partial<PathUse> = {}): PathUse[] {
  const path = more.path ?? word.text ?? globOf(word);
  if (path === undefined || path === "" || path === "-" || path.startsWith("/dev/") || path.includes("://")) return [];
  if (!/[*?[\]{}]/.test(path)) return [{ word, path, kind, user, ...more }];
  // Braces and quoted wildcards are somebody else's to expand.
  const isPlain = word.pieces.every(({ isQuoted, text }) => !isQuoted || !/[*?[\]{}]/.test(text ?? ""));
  return isPlain && !/[{}]/.test(path) ? [{ word, path, kind, user, ...more, isGlob: true }] : [];
}

/** A word with wildcards has no text of its own; without anything else to expand it is what was written. */
const globOf = ({ source }: ShellWord): string | undefined =>
  /[*?[]/.test(source) && !/[$`'"\\{}~()]/.test(source) ? source : undefined;

const optionUse = (option: OptionUse, kind: PathUse["kind"], user: string, more: Partial<PathUse> = {}): PathUse[] =>
  option.word && option.text !== undefined ? use(option.word, kind, user, { ...more, path: option.text }) : [];

const valuesOf = (read: CommandArguments, options: readonly string[], kind: PathUse["kind"], user: string): PathUse[] =>
  optionsNamed(read, ...options).flatMap((option) => optionUse(option, kind, user));

/** A reader of commands whose options name paths: `-f file`, and which other options take a value. */
const byOption =
  (options: readonly string[], kind: PathUse["kind"], user: string, others = ""): Reader =>
  (args) =>
    valuesOf(readArguments(args, names([...options, others].join(" "))), options, kind, user);

const changeDirectory: Reader = (args, name) => {
  const target = args.find((word) => !/^-[LPe@]+$|^--$/.test(word.source));
  return target && !/^[-+]\d*$/.test(target.text ?? "") ? use(target, "directory", name) : [];
};

const pipValues = names(
  "-r --requirement -c --constraint -e --editable -t --target -d --dest -w --wheel-dir -i --index-url --extra-index-url " +
    "-f --find-links --prefix --root --src --cache-dir --python --platform --python-version --implementation --abi --log " +
    "--proxy --retries --timeout --trusted-host --cert --client-cert --no-binary --only-binary --progress-bar --upgrade-strategy " +
    "--use-feature --exists-action --global-option --config-settings -C --group --build",
);

const pip: Reader = (args, name) => {
  const read = readArguments(args, pipValues);
  const [verb, ...operands] = read.operands;
  if (!/^(install|download|wheel)$/.test(verb?.text ?? "")) return [];
  const user = `${name} ${verb?.text}`;
  const isPath = (text: string | undefined) => text !== undefined && /^\.{1,2}(\/|$)/.test(text);
  const withoutExtras = (text: string | undefined) => text?.replace(/\[[^[\]]*\]$/, "");
  return [
    ...valuesOf(read, ["-r", "--requirement"], "file", `${user} -r`),
    ...valuesOf(read, ["-c", "--constraint"], "file", `${user} -c`),
    ...optionsNamed(read, "-e", "--editable").flatMap((option) => {
      // The brackets of extras look like a pattern of the shell.
      const path = withoutExtras(option.text ?? (option.word && globOf(option.word)));
      return option.word && path !== undefined && isPath(path)
        ? use(option.word, "directory", `${user} -e`, { path })
        : [];
    }),
    ...operands.flatMap((word) => {
      const path = withoutExtras(word.text ?? globOf(word));
      return path !== undefined && isPath(path) && !path.includes("*") ? use(word, "any", user, { path }) : [];
    }),
  ];
};

/** `sh x.sh`, `python x.py`: the first word that is not an option, unless one says that there is no script. */
function script(
  withoutScript: RegExp,
  withValue: string,
  kind: PathUse["kind"] = "file",
  suffixes?: readonly string[],
): Reader {
  const takesValue = names(withValue);
  return (args, name) => {
    for (let at = 0; at < args.length; at++) {
      const word = args[at];
      if (!word || word.text === undefined || word.text === "-" || withoutScript.test(word.text)) return [];
      if (takesValue.has(word.text)) at++;
      else if (!/^[-+]/.test(word.text)) return use(word, kind, name, suffixes ? { suffixes } : {});
    }
    return [];
  };
}

const runsPython = script(/^-[a-zA-Z]*[cm]$/, "-W -X", "any");
const python: Reader = (args, name) => {
  if (args[0]?.text !== "-m") return runsPython(args, name);
  const rest = args.slice(2);
  if (args[1]?.text === "pip") return pip(rest, "pip");
  return args[1]?.text === "pytest" ? pytest(rest, "pytest") : [];
};

/** Only what looks like a path and does not follow an option, whose value it could be. */
const pytest: Reader = (args) =>
  args.flatMap((word, index) => {
    const before = args[index - 1]?.text ?? "";
    const text = word.text ?? "";
    if (text.startsWith("-") || (before.startsWith("-") && !before.includes("="))) return [];
    return /\/|\.py$/.test(text) ? use(word, "any", "pytest", { path: text.split("::")[0] ?? text }) : [];
  });

const copyValues = names(
  "-t --target-directory -S --suffix -m --mode -o --owner -g --group --no-preserve --backup --sparse",
);

/** `cp`, `mv`: everything but the last word, or with `-t` everything. */
const copied: Reader = (args, name) => {
  const read = readArguments(args, copyValues);
  if (name === "install" && hasOption(read, "-d", "--directory")) return [];
  const sources = hasOption(read, "-t", "--target-directory") ? read.operands : read.operands.slice(0, -1);
  return sources.flatMap((word) => use(word, "any", name));
};

const readFiles: Reader = (args, name) =>
  readArguments(args, names("-n -c --lines --bytes")).operands.flatMap((word) => use(word, "file", name));

/** What `sed` edits or reads: every operand but the script, which `-e` and `-f` replace. */
const sed: Reader = (args) => {
  const files: ShellWord[] = [];
  let hasScript = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    // An unknown variable could be several words; `-i ''` is another system's sed.
    if (
      !word ||
      word.text === "" ||
      (word.text === undefined && word.pieces[0]?.isQuoted !== true && !word.pieces[0]?.text)
    )
      return [];
    if (/^--(expression|file)=|^-[nErsz]*[ef]./.test(word.source) && !/^-[nErsz]*i/.test(word.source)) hasScript = true;
    else if (/^(--expression|--file|-[nErsz]*[ef])$/.test(word.source)) {
      hasScript = true;
      at++;
    } else if (/^-[nErsz]*l$/.test(word.source)) at++;
    else if (!/^-./.test(word.source)) files.push(word);
  }
  return (hasScript ? files : files.slice(1)).flatMap((word) => use(word, "file", "sed"));
};

const zip: Reader = (args) => {
  const read = readArguments(args, names("-i -x -b -t -n -P -s -tt"));
  const at = args.findIndex(({ text }) => text === "-x" || text === "-i");
  const sources = read.operands.slice(1).filter((word) => at === -1 || args.indexOf(word) < at);
  // zip warns of a name that is not there, and fails only when nothing is left to do.
  const [only, ...others] = sources;
  return only && others.length === 0 ? use(only, "any", "zip") : [];
};

const tar: Reader = (args) => {
  const [first, ...rest] = args;
  const letters = first?.text?.startsWith("-") ? first.text.slice(1) : (first?.text ?? "");
  if (!first || first.text?.startsWith("--") || !/^[a-zA-Z]+$/.test(letters) || !letters.includes("f")) return [];
  // Other options move the folder or name further files.
  if (args.slice(1).some(({ text }) => text === undefined || text.startsWith("-"))) return [];
  const [archive, ...members] = rest;
  if (/[xt]/.test(letters)) return archive ? use(archive, "file", "tar") : [];
  return letters.includes("c") ? members.flatMap((word) => use(word, "any", "tar")) : [];
};

const chmod: Reader = (args, name) => {
  const [, ...files] = args.filter((word) => !/^-[a-zA-Z]/.test(word.source) || /^-[rwxX]+$/.test(word.source));
  return files.flatMap((word) => use(word, "any", name));
};

const kubectl: Reader = (args) => {
  const read = readArguments(args, names("-f --filename -k --kustomize -n --namespace --context --kubeconfig -l -o"));
  // `logs -f` follows.
  if (!/^(apply|create|delete|replace|diff|patch|annotate|label|set|rollout)$/.test(read.operands[0]?.text ?? ""))
    return [];
  return [
    ...valuesOf(read, ["-f", "--filename"], "any", "kubectl -f").filter(({ path }) => !path.includes(",")),
    ...valuesOf(read, ["-k", "--kustomize"], "directory", "kubectl -k").filter(({ path }) => /^\.{1,2}\//.test(path)),
  ];
};

const helmValues = names(
  "-f --values -n --namespace --set --set-string --set-file --version --repo --timeout --kube-context --kubeconfig -d --destination --app-version -o",
);
const helm: Reader = (args) => {
  const read = readArguments(args, helmValues);
  const chart = read.operands.slice(1).filter(({ text }) => /^\.{1,2}\//.test(text ?? ""));
  return [
    ...valuesOf(read, ["-f", "--values"], "file", "helm -f"),
    ...(/^(install|upgrade|lint|template|package)$/.test(read.operands[0]?.text ?? "")
      ? chart.flatMap((word) => use(word, "any", `helm ${read.operands[0]?.text}`))
      : []),
  ];
};

const terraform: Reader = (args) => {
  const values = (option: RegExp) =>
    args.flatMap((word) => {
      const path = option.exec(word.text ?? "")?.[1];
      return path === undefined ? [] : [{ word, path }];
    });
  const folders = values(/^-chdir=(.+)$/).flatMap(({ word, path }) =>
    use(word, "directory", "terraform -chdir", { path }),
  );
  // With `-chdir` the other paths count from there.
  if (args.some(({ source }) => source.startsWith("-chdir"))) return folders;
  return values(/^--?var-file=(.+)$/).flatMap(({ word, path }) => use(word, "file", "terraform -var-file", { path }));
};

/** Text of files in arguments (`file://x`), and the local side of `s3 cp` and `sync`. */
const aws: Reader = (args) => {
  const files = args.flatMap((word) => {
    const path = /^(?:--[\w-]+=)?fileb?:\/\/(?!\/)(.+)$/.exec(word.text ?? "")?.[1];
    return path === undefined ? [] : use(word, "file", "aws", { path });
  });
  const read = readArguments(args, names("--region --profile --output --template-file --exclude --include --acl"));
  const [service, operation, from, to, ...more] = read.operands;
  // A third operand would be the value of an option that is not known here.
  if (service?.text === "s3" && /^(cp|sync|mv)$/.test(operation?.text ?? "") && from && to && more.length === 0) {
    const kind = operation?.text === "sync" || hasOption(read, "--recursive") ? "directory" : "any";
    return [...files, ...use(from, kind, `aws s3 ${operation?.text}`)];
  }
  if (service?.text === "cloudformation" && /^(package|deploy)$/.test(operation?.text ?? ""))
    return [...files, ...valuesOf(read, ["--template-file"], "file", `aws cloudformation ${operation?.text}`)];
  return files;
};

const sam: Reader = (args) => {
  const read = readArguments(
    args,
    names("-t --template --template-file --config-file -b --build-dir -s --base-dir -m --manifest"),
  );
  const verb = read.operands[0]?.text ?? "";
  return /^(build|validate|package|deploy)$/.test(verb)
    ? valuesOf(read, ["-t", "--template", "--template-file"], "file", `sam ${verb} -t`)
    : [];
};

const goValues = names(
  "-o -p -run -bench -count -coverprofile -covermode -coverpkg -cpu -ldflags -gcflags -tags -timeout -mod -parallel -exec",
);
const go: Reader = (args) => {
  const [verb, ...rest] = args;
  if (!/^(build|test|vet|run|install|generate)$/.test(verb?.text ?? "")) return [];
  const packages: ShellWord[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at];
    // With `-C` paths count from another folder.
    if (!word || word.text === undefined || /^-(args$|C)/.test(word.text)) break;
    if (goValues.has(word.text)) at++;
    else if (!word.text.startsWith("-")) packages.push(word);
  }
  return (verb?.text === "run" ? packages.slice(0, 1) : packages).flatMap((word) => {
    const path = (word.text ?? "").replace(/\/?\.\.\.$/, "");
    return /^\.{1,2}\//.test(path) || /\.go$/.test(path) ? use(word, "any", `go ${verb?.text}`, { path }) : [];
  });
};

const dotnet: Reader = (args) => {
  const [verb, first] = args;
  return /^(build|test|publish|restore|pack|run)$/.test(verb?.text ?? "") &&
    /\.(sln|slnx|csproj|fsproj|vbproj)$/.test(first?.text ?? "") &&
    first
    ? use(first, "file", `dotnet ${verb?.text}`)
    : [];
};

const compose: Reader = (args, name) => {
  const at = args.findIndex(({ text }) => text !== undefined && /^[a-z]+$/.test(text));
  const read = readArguments(
    at === -1 ? args : args.slice(0, at + 1),
    names("-f --file -p --project-name --project-directory --env-file --profile"),
  );
  return hasOption(read, "--project-directory") ? [] : valuesOf(read, ["-f", "--file"], "file", `${name} -f`);
};

const docker: Reader = (args, name) => {
  const [verb, ...rest] = args;
  if (verb?.text === "compose") return compose(rest, `${name} compose`);
  return verb?.text === "run" ? byOption(["--env-file"], "file", `${name} run --env-file`)(rest, name) : [];
};

const make: Reader = (args) => {
  const read = readArguments(args, names("-C --directory -f --file --makefile -I --include-dir -o -W"));
  const folders = valuesOf(read, ["-C", "--directory"], "directory", "make -C");
  return folders.length > 0 || hasOption(read, "-C", "--directory")
    ? folders
    : valuesOf(read, ["-f", "--file", "--makefile"], "file", "make -f");
};

const sourced: Reader = (args, name) => (args[0]?.text?.includes("/") ? use(args[0], "file", name) : []);

const shell = script(/^-[a-zA-Z]*[cs]$/, "-o +o -O +O --rcfile --init-file");
const runsNode = script(
  /^(-[a-zA-Z]*[ep]|--eval|--print|--test|inspect)$/,
  "-r --require -I --import --loader --experimental-loader -C --conditions",
  "any",
  [".js", ".cjs", ".mjs", ".json", ".node"],
);
const maven = byOption(["-f", "--file"], "any", "mvn -f", "-s --settings -P -pl -D -T");
const gradle = byOption(["-p", "--project-dir"], "directory", "gradle -p", "-b -c -I -x -P -D");

const readers: Readonly<Record<string, Reader>> = {
  ".": sourced,
  "./gradlew": gradle,
  "./mvnw": maven,
  "ansible-playbook": (args, name) =>
    readArguments(
      args,
      names("-i --inventory -e --extra-vars -l -t --tags -u --user -c --vault-password-file"),
    ).operands.flatMap((word) => use(word, "file", name)),
  "docker-compose": compose,
  aws,
  bash: shell,
  cat: readFiles,
  cd: changeDirectory,
  chmod,
  cp: copied,
  docker,
  dotnet,
  go,
  gradle,
  head: readFiles,
  helm,
  install: copied,
  kubectl,
  make,
  mv: copied,
  mvn: maven,
  node: runsNode,
  npm: byOption(["--prefix", "-C"], "directory", "npm --prefix", "-w --workspace --registry --omit --include"),
  php: script(/^-[rm]$/, "-d -c"),
  pip,
  pip3: pip,
  pnpm: byOption(["-C", "--dir"], "directory", "pnpm -C", "-F --filter"),
  podman: docker,
  pushd: changeDirectory,
  pytest,
  python,
  python3: python,
  ruby: script(/^-[a-zA-Z]*[eCS]$/, "-r -I"),
  sam,
  sed,
  sh: shell,
  source: sourced,
  tail: readFiles,
  tar,
  terraform,
  unzip: (args, name) =>
    readArguments(args, names("-d -x -P"))
      .operands.slice(0, 1)
      .flatMap((word) => use(word, "file", name)),
  yarn: byOption(["--cwd"], "directory", "yarn --cwd"),
  zip,
};
