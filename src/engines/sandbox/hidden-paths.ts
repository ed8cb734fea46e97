/**
 * What of this machine a build must not see in its view: keys and tokens of people, data and sockets of container engines.
 * On AWS none of it is there. Only what exists is named, by its real path: a link is no way around.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

/** Below a home folder. */
const OF_A_HOME = [
  ...[".ssh", ".gnupg", ".password-store", ".local/share/keyrings", ".config/op", ".config/sops", ".age"],
  ...[".aws", ".azure", ".config/gcloud", ".boto", ".oci", ".bluemix", ".config/doctl", ".s3cfg", ".config/rclone"],
  ...[
    ".docker/config.json",
    ".docker/contexts",
    ".docker/run",
    ".config/containers/auth.json",
    ".kube",
    ".colima",
    ".orbstack",
  ],
  ...[".local/share/docker", ".local/share/containers", ".local/share/containerd", ".minikube"],
  ...[
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
  ],
  ...[".pypirc", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".m2/settings-security.xml"],
  ...[".vault-token", ".terraform.d/credentials.tfrc.json", ".pulumi/credentials.json", ".config/heroku"],
  ...[".pgpass", ".my.cnf", ".mylogin.cnf", ".dbshell", ".rediscli_history"],
  ...[".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".psql_history", ".mysql_history"],
  ...[
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".thunderbird",
    ".config/Code/User/globalStorage",
  ],
];

/** Anywhere. Sockets and data of container engines, keys of the machine. */
const OF_THE_MACHINE = [
  ...[
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
    "/etc/kubernetes",
  ],
  ...[
    "/var/run/docker.sock",
    "/var/run/podman",
    "/var/run/containerd",
    "/var/run/crio",
    "/mnt/wsl/docker-desktop",
    "/mnt/wsl/podman-sockets",
  ],
  ...[
    "/var/lib/lxd",
    "/var/lib/incus",
    "/var/snap/lxd",
    "/var/lib/libvirt",
    "/var/lib/cloud/instance",
    "/var/lib/cloud/instances",
  ],
  ...["/etc/krb5.keytab", "/lost+found"],
];

export interface HiddenInput {
  /** The user's environment. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Further paths: Kiln's own state. */
  readonly own: readonly string[];
}

/** Real paths, each once. */
export function hiddenPaths({ machine, own }: HiddenInput): string[] {
  const paths = [
    ...own,
    ...OF_THE_MACHINE,
    ...hostKeys(),
    // Packages expect these folders to be there.
    ...["/etc/ssl/private", "/var/backups"].flatMap((folder) =>
      entriesOf(folder).map(({ name }) => join(folder, name)),
    ),
    ...engineSockets(machine),
    ...homes(machine).flatMap(secretsOf),
  ];
  return [...new Set(paths.flatMap((path) => realPath(path) ?? []))];
}

/** Only below what is there: a look at each of many paths takes its time. */
function secretsOf(home: string): string[] {
  const names = new Set(entriesOf(home).map(({ name }) => name));
  return OF_A_HOME.filter((path) => names.has(path.split("/", 1)[0] ?? "")).map((path) => join(home, path));
}

/** Of everybody in /etc/passwd, and of this process. */
export function homes(machine: Readonly<Record<string, string | undefined>>): string[] {
  const listed = ["/root", ...entriesOf("/home").map(({ name }) => join("/home", name))];
  const passwd = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8") : "";
  const named = passwd.split("\n").map((line) => line.split(":")[5] ?? "");
  const own = machine["HOME"];
  // A system user's home may be any folder, such as / or /usr/bin.
  return [...new Set([...(own ? [own] : []), ...listed, ...named])].filter((home) =>
    /^\/(?!$|(?:usr|s?bin|dev|proc|sys|run|tmp)(?:\/|$))/.test(home),
  );
}

function hostKeys(): string[] {
  return entriesOf("/etc/ssh")
    .filter(({ name }) => /^ssh_host_.*_key$/.test(name))
    .map(({ name }) => join("/etc/ssh", name));
}

/** Where the user's shell says that an engine listens. */
function engineSockets(machine: Readonly<Record<string, string | undefined>>): string[] {
  return ["DOCKER_HOST", "CONTAINER_HOST", "SSH_AUTH_SOCK", "BUILDKIT_HOST"].flatMap((name) => {
    const path = /^(?:unix:\/\/)?(\/.+)$/.exec(machine[name] ?? "")?.[1];
    return path === undefined ? [] : [path];
  });
}

function realPath(path: string): string | undefined {
  try {
    // An exception each for what is not there would cost more than all else.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function entriesOf(folder: string): Dirent[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

export interface Rewritten {
  readonly path: string;
  readonly text: string;
}

/** Files that programs need, without the secrets in them. Only those that have some. */
export function rewrittenFiles(machine: Readonly<Record<string, string | undefined>>): Rewritten[] {
  const rules: [path: string, rewrite: (text: string) => string][] = [
    ["/etc/shadow", withoutHashes],
    ["/etc/gshadow", withoutHashes],
    ...homes(machine).flatMap((home): [string, (text: string) => string][] => [
      [join(home, ".npmrc"), withoutTokens],
      [join(home, ".yarnrc.yml"), withoutTokens],
    ]),
  ];
  return rules.flatMap(([written, rewrite]) => {
    const path = realPath(written);
    const text = path === undefined ? undefined : textOf(path);
    if (path === undefined || text === undefined) return [];
    const rewritten = rewrite(text);
    return rewritten === text ? [] : [{ path, text: rewritten }];
  });
}

/** `*` and `!` are no hashes: they say that no password fits. */
const withoutHashes = (text: string): string => text.replace(/^([^:\n]*):[^:\n*!][^:\n]*:/gm, "$1:*:");

const withoutTokens = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !/_auth|_password|authToken|authIdent|NPM_TOKEN/i.test(line))
    .join("\n");

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
