/** kubectl, helm, eksctl. Source: https://kubernetes.io/docs/reference/kubectl/ */
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolReader } from "../tool-failure.ts";

const LOGIN =
  "run `aws eks update-kubeconfig --name CLUSTER` before, and give the service role access to the cluster (an access entry, or `aws-auth`)";

const forms = lineReader("kubectl", [
  {
    mark: "You must be logged in to the server",
    pattern: /^(?:error: )?You must be logged in to the server \((.+)\)/,
    kind: "authentication",
    say: () => "the cluster does not know the build's role",
    next: LOGIN,
  },
  {
    mark: "the server has asked for the client to provide credentials",
    pattern: /the server has asked for the client to provide credentials/,
    kind: "authentication",
    say: () => "the cluster does not know the build's role",
    next: LOGIN,
  },
  {
    mark: "The connection to the server",
    pattern: /^The connection to the server (\S+) was refused/,
    kind: "network",
    say: ([, host]) => `kubectl reaches no cluster at ${quote(host)}`,
    next: "`localhost:8080` means that there is no kubeconfig: `aws eks update-kubeconfig --name CLUSTER` before",
  },
  {
    mark: "Unable to connect to the server",
    pattern: /^Unable to connect to the server: (.+)$/,
    kind: ([, text]) => knownTrouble(text ?? "")?.kind ?? "network",
    say: ([, text]) => `kubectl cannot reach the cluster: ${short(text)}`,
  },
  {
    mark: "Error from server (",
    pattern: /^Error from server \((\w+)\): (.+)$/,
    kind: ([, code]) => (code === "Forbidden" ? "permission" : code === "NotFound" ? "configuration" : "deployment"),
    say: ([, code, text]) => `the cluster refused (${code}): ${short(text, 200)}`,
  },
  {
    mark: "error: error validating",
    pattern: /^error: error (?:validating|parsing) "?([^":]+)"?: (?:error validating data: )?(.+)$/,
    kind: "configuration",
    say: ([, file, text]) => `kubectl does not accept ${quote(file)}: ${short(text)}`,
  },
  {
    mark: "no matches for kind",
    pattern: /no matches for kind "([^"]+)" in version "([^"]+)"/,
    kind: "version-mismatch",
    say: ([, kind, version]) => `the cluster knows no ${quote(kind)} in ${quote(version)}`,
  },
  {
    mark: "timed out waiting for the condition",
    pattern: /^(?:error: |Error: )?(.*timed out waiting for the condition.*)$/,
    kind: "deployment",
    say: () => "the deployment did not get ready in time",
    next: "print why in the build: `kubectl describe pods` and `kubectl logs`",
  },
  {
    mark: "exceeded its progress deadline",
    pattern: /^error: deployment "([^"]+)" exceeded its progress deadline/,
    kind: "deployment",
    say: ([, name]) => `the deployment ${quote(name)} did not get ready in time`,
    next: "print why in the build: `kubectl describe pods` and `kubectl logs`",
  },
  {
    mark: "error: the path",
    pattern: /^error: the path "([^"]+)" does not exist/,
    kind: "file-not-found",
    say: ([, path]) => `kubectl finds no file ${quote(path)}`,
  },
  {
    mark: "invalid apiVersion",
    pattern: /^error: exec plugin: invalid apiVersion "([^"]+)"/,
    kind: "version-mismatch",
    say: ([, version]) => `kubectl and the aws CLI do not fit together: ${quote(version)}`,
    next: "update the aws CLI and make the kubeconfig anew",
  },
  {
    mark: "Error: ",
    pattern: /^Error: (?:UPGRADE|INSTALLATION) FAILED: (.+)$/,
    kind: ([, text]) =>
      /another operation .* is in progress/.test(text ?? "")
        ? "deployment"
        : (knownTrouble(text ?? "")?.kind ?? "deployment"),
    say: ([, text]) => `helm failed: ${short(text, 200)}`,
  },
  {
    mark: "Error: ",
    pattern:
      /^Error: (repo \S+ not found|chart "\S+" .*not found.*|failed to download .+|path "\S+" not found|release: not found|.*looks like ".+" is not a valid chart repository.*|.*execution error at .+|template: .+|parse error at .+|YAML parse error on .+)$/,
    kind: ([, text]) => (/template|parse|execution/.test(text ?? "") ? "configuration" : "dependency-not-found"),
    say: ([, text]) => `helm failed: ${short(text, 200)}`,
  },
  {
    mark: "[✖]",
    pattern: /^(?:\d{4}-\d\d-\d\d [\d:]+ )?\[✖\]\s+(.+)$/,
    kind: ([, text]) => knownTrouble(text ?? "")?.kind ?? "deployment",
    say: ([, text]) => `eksctl failed: ${short(text, 200)}`,
  },
]);

export const kubectl: ToolReader = {
  tool: "kubectl",
  marks: forms.marks,
  read(log) {
    const reading = forms.read(log);
    const name = /^(helm|eksctl) failed/.exec(reading?.headline ?? "")?.[1];
    return reading && name !== undefined ? { ...reading, tool: name } : reading;
  },
};
