/**
 * Secrets that nobody told about, by their looks: the patterns of @secretlint/secretlint-rule-preset-recommend (MIT, one
 * file without dependencies) run by this small runner, and the logins of a docker config, which they do not know. What
 * turns out to be an example, a variable or a test's own database is left out: a finding here says "change this secret".
 * Loaded with the first text that is asked about. A value is never given back, only its first characters.
 */
import { createRequire } from "node:module";
import { basename, extname } from "node:path";
import { isPlaceholder } from "./value-shape.ts";

export interface HardCodedSecret {
  /** E.g. `a GitHub token`. */
  readonly kind: string;
  /** The first four characters and `…`. */
  readonly shown: string;
  /** In UTF-16 units. */
  readonly startOffset: number;
  readonly endOffset: number;
}

/** What it is in words, by the library's message. What is not here is no secret: AWS account ids, its own comments. */
const KINDS: Readonly<Record<string, string>> = {
  AWSSecretAccessKey: "an AWS secret access key",
  BasicAuth: "a password in a URL",
  PrivateKey: "a private key",
  PrivateKeyJSON: "a Google Cloud service account key",
  PackageJSON_xOauthToken: "a GitHub token",
  Npmrc_authToken: "an npm token",
  NPM_ACCESS_TOKEN: "an npm token",
  SLACK_TOKEN: "a Slack token",
  IncomingWebhook: "a Slack webhook",
  OPENAI_TOKEN: "an OpenAI key",
  ANTHROPIC_API_KEY: "an Anthropic key",
  GROQ_API_KEY: "a Groq key",
  HUGGINGFACE_USER_ACCESS_TOKEN: "a Hugging Face token",
  LINEAR_API_TOKEN: "a Linear key",
  NOTION_INTEGRATION_TOKEN: "a Notion token",
  SENDGRID_KEY: "a SendGrid key",
  SHOPIFY_KEY: "a Shopify key",
  GITHUB_TOKEN: "a GitHub token",
  GITLAB_PERSONAL_ACCESS_TOKEN: "a GitLab token",
  GRAFANA_CLOUD_API_TOKEN: "a Grafana token",
  GRAFANA_SERVICE_ACCOUNT_TOKEN: "a Grafana token",
  OPS_TOKEN: "a 1Password token",
  MongoDBConnection: "a database password",
  MySQLConnection: "a database password",
  PostgreSQLConnection: "a database password",
  HASHICORP_VAULT_SERVICE_TOKEN: "a Vault token",
  HASHICORP_VAULT_BATCH_TOKEN: "a Vault token",
  HASHICORP_VAULT_RECOVERY_TOKEN: "a Vault token",
  VERCEL_PERSONAL_ACCESS_TOKEN: "a Vercel token",
  VERCEL_INTEGRATION_TOKEN: "a Vercel token",
  VERCEL_APP_ACCESS_TOKEN: "a Vercel token",
  VERCEL_APP_REFRESH_TOKEN: "a Vercel token",
  VERCEL_AI_GATEWAY_API_KEY: "a Vercel key",
  DATABRICKS_PERSONAL_ACCESS_TOKEN: "a Databricks token",
  DOCKER_PERSONAL_ACCESS_TOKEN: "a Docker token",
  FIGMA_PERSONAL_ACCESS_TOKEN: "a Figma token",
};

/** What the library is given and gives, as far as it is used here. */
interface RuleContext {
  createTranslator(messages: object): (messageId: string, data?: Readonly<Record<string, unknown>>) => Message;
  report(found: { readonly message: Message; readonly range: readonly [number, number] }): void;
}

interface Message {
  readonly messageId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface SourceRule {
  readonly meta: { readonly id: string };
  create(context: RuleContext, options: object): { file?(source: object): unknown };
}

/** Its only other input than the text is the file's name; a `.p12` it would read from the disk. */
const NOT_RUN = new Set(["@secretlint/secretlint-rule-filter-comments"]);

let rules: readonly SourceRule[] | undefined;

function loadRules(): readonly SourceRule[] {
  const require = createRequire(import.meta.url);
  const preset = require("@secretlint/secretlint-rule-preset-recommend") as { rules: readonly SourceRule[] };
  return preset.rules.filter(({ meta }) => !NOT_RUN.has(meta.id));
}

/** The secrets in a text, in order, each place once. */
export function hardCodedSecrets(text: string, file: string): HardCodedSecret[] {
  if (extname(file) === ".p12" || !MAY_HAVE.test(text)) return [];
  rules ??= loadRules();
  const found = new Map<number, HardCodedSecret>();
  const add = (kind: string, value: string, startOffset: number): void => {
    const earlier = [...found.values()].some((one) => one.startOffset <= startOffset && startOffset < one.endOffset);
    if (earlier) return;
    found.set(startOffset, { kind, shown: shownStart(value), startOffset, endOffset: startOffset + value.length });
  };
  const context: RuleContext = {
    createTranslator:
      () =>
      (messageId, data = {}) => ({ messageId, data }),
    report: ({ message, range }) => {
      const kind = KINDS[message.messageId];
      if (kind === undefined) return;
      // Ranges of some rules begin before the value.
      const data = Object.values(message.data).find((one): one is string => typeof one === "string" && one.length > 3);
      const inText = data === undefined ? -1 : text.indexOf(data, range[0]);
      const start = inText === -1 ? range[0] : inText;
      const value = inText === -1 || data === undefined ? text.slice(...range) : data;
      if (isReal(message.messageId, value)) add(kind, value, start);
    },
  };
  const source = {
    content: text,
    filePath: basename(file),
    ext: extname(file),
    contentType: "text",
    getFilePath: () => basename(file),
  };
  for (const rule of rules) rule.create(context, {}).file?.(source);
  for (const { index, 0: whole, 1: login = "" } of text.matchAll(DOCKER_AUTH)) {
    if (isLogin(login)) add("a registry login", login, index + whole.indexOf(login));
  }
  return [...found.values()].sort((a, b) => a.startOffset - b.startOffset);
}

/** Any of the patterns needs one of these; most texts have none, and then nothing is loaded. */
const MAY_HAVE =
  /AKIA|ASIA|A3T|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|aws_?secret|secret_?access|PRIVATE KEY|private_key|_authToken|x-oauth|npm_|:\/\/[^\s/@:]*:[^\s/@]+@|xox|xapp-|hooks\.slack|SG\.|sh[a-z]{2}_|gh[a-z]_|github_pat|glpat|gl[cs]a?_|sk-|gsk_|hf_|lin_|ntn_|secret_|ops_|hv[sbr]\.|vc[a-z]_|vck_|dapi|dckr|figd_|mysql|"auth"/i;

const DOCKER_AUTH = /"auth"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})"/g;

const isLogin = (base64: string): boolean => {
  const text = Buffer.from(base64, "base64").toString("utf8");
  const password = /^[\x21-\x39\x3b-\x7e]+:([\x20-\x7e]{4,})$/.exec(text)?.[1];
  return password !== undefined && !isPlaceholder(password);
};

const shownStart = (value: string): string => `${value.slice(0, 4).replace(/\s/g, " ")}…`;

function isReal(messageId: string, value: string): boolean {
  switch (messageId) {
    case "BasicAuth":
    case "MongoDBConnection":
    case "MySQLConnection":
    case "PostgreSQLConnection":
      return isRealUrl(value);
    case "PrivateKey":
    case "PrivateKeyJSON":
      return (value.match(/[A-Za-z0-9+/]{60,}/g) ?? []).length >= 1 && !/(.)\1{40}/.test(value);
    default:
      return !isPlaceholder(value);
  }
}

/** `scheme://user:password@host`: a password of its own, and a host that others than the build's own containers are. */
function isRealUrl(value: string): boolean {
  const [, user = "", password = "", host = ""] = /:\/\/([^\s:@/]*):([^\s@]*)@([^\s/:"'?]*)/.exec(value) ?? [];
  if (password === "") return !isPlaceholder(value);
  if (isPlaceholder(password) || isPlaceholder(user) || password.toLowerCase() === user.toLowerCase()) return false;
  if (
    /^(?:pass|pw|pwd|pass_?word|token|secret|root|admin|postgres|mysql|mongo|guest|user|test\w*)\d{0,4}$/i.test(
      password,
    )
  )
    return false;
  // A service beside the tests, by its name in a compose file; what documentation writes.
  const isNear = !host.includes(".") || /^(?:127\.|0\.0\.0\.0|localhost|host\.docker\.internal)/.test(host);
  return !isNear && !/(?:^|\.)(?:example|test|invalid|local|localhost)(?:\.(?:com|org|net))?$/.test(host);
}
