/**
 * What a command on this machine sees besides the build's own variables. Nothing of the user's shell gets in, except the
 * variables named here: where the network proxy is, how package managers reach their mirrors, where language managers
 * keep their versions. Credentials (`AWS_*`, tokens, `DOCKER_HOST`) never do.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Taken from the user's environment as they are, when set. */
export const PASSED_VARIABLES: readonly string[] = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "GOPROXY",
  "GOSUMDB",
  "GONOSUMDB",
  "CARGO_HTTP_CAINFO",
  "UV_INDEX_URL",
  "UV_DEFAULT_INDEX",
  "PYENV_ROOT",
  "NVM_DIR",
  "ASDF_DIR",
  "ASDF_DATA_DIR",
  "MISE_DATA_DIR",
  "RUSTUP_HOME",
  "JAVA_HOME",
  "GOROOT",
  "DOTNET_ROOT",
];

/** Taken when the name starts like this; names that look like a credential are left out. */
export const PASSED_PREFIXES: readonly string[] = ["PIP_", "NPM_CONFIG_", "npm_config_", "YARN_", "CARGO_REGISTRIES_"];

const LOOKS_SECRET = /TOKEN|PASSWORD|PASSWD|SECRET|_AUTH|CREDENTIAL/i;
/** Where `pip --user`, `npm -g` and the like write is decided by the build, not by the user's shell. */
const OWN =
  /^(?:PIP_(?:USER|TARGET|PREFIX|REQUIRE_VIRTUALENV)|NPM_CONFIG_(?:PREFIX|CACHE|LOCAL_PREFIX|GLOBAL.*|INIT_MODULE|USER_AGENT|NOPROXY))$/i;

/** The minimal environment of a command, before the build's variables. */
export function hostVariables(
  machine: Readonly<Record<string, string | undefined>>,
  place: { readonly home: string; readonly temporary: string; readonly pathPrefix: readonly string[] },
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const variables: Record<string, string> = {
    PATH: [...place.pathPrefix, machine["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(
      delimiter,
    ),
    HOME: place.home,
    TMPDIR: place.temporary,
    LANG: platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8",
  };
  for (const [name, value] of Object.entries(machine)) {
    if (value === undefined) continue;
    if (PASSED_VARIABLES.includes(name) || isMirrorSetting(name)) variables[name] = value;
  }
  // HOME is the build's own, so settings that tools look for under it are pointed at.
  const home = machine["HOME"];
  if (home !== undefined) {
    pointAt(variables, "PIP_CONFIG_FILE", join(home, ".config", "pip", "pip.conf"), join(home, ".pip", "pip.conf"));
    pointAt(variables, "RUSTUP_HOME", join(home, ".rustup"));
    pointAt(variables, "PYENV_ROOT", join(home, ".pyenv"));
    if (variables["npm_config_userconfig"] === undefined) {
      pointAt(variables, "NPM_CONFIG_USERCONFIG", join(home, ".npmrc"));
    }
  }
  return variables;
}

const isMirrorSetting = (name: string): boolean =>
  PASSED_PREFIXES.some((prefix) => name.startsWith(prefix)) && !LOOKS_SECRET.test(name) && !OWN.test(name);

const PROXY = /^(?:https?|no|all)_proxy$/i;

/** What of the machine's environment means the same in a container: proxies and mirrors, nothing that is a path here. */
export function containerVariables(machine: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passes = (name: string, value: string): boolean =>
    PROXY.test(name) || ["GOPROXY", "GOSUMDB", "GONOSUMDB", "UV_INDEX_URL", "UV_DEFAULT_INDEX"].includes(name)
      ? true
      : isMirrorSetting(name) && !value.startsWith("/");
  return Object.fromEntries(
    Object.entries(machine).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && passes(entry[0], entry[1]),
    ),
  );
}

function pointAt(variables: Record<string, string>, name: string, ...candidates: string[]): void {
  if (variables[name] !== undefined) return;
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) variables[name] = found;
}

/**
 * With a proxy set, clients would send what is for Kiln on this machine to the proxy as well: loopback is added to the
 * lists of hosts to reach directly. On AWS the same is the user's to do for the credentials' address.
 */
export function reachLoopbackDirectly(variables: Readonly<Record<string, string>>): Record<string, string> {
  const changed: Record<string, string> = { ...variables };
  const has = (...names: string[]): boolean => names.some((name) => (variables[name] ?? "") !== "");
  if (!has("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")) return changed;
  const given = variables["NO_PROXY"] ?? variables["no_proxy"] ?? "";
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const hosts = (variables[name] ?? given).split(",").filter((host) => host.trim() !== "");
    if (hosts.includes("*")) continue;
    const missing = ["127.0.0.1", "localhost"].filter((host) => !hosts.some((one) => one.trim() === host));
    changed[name] = [...hosts, ...missing].join(",");
  }
  return changed;
}
