/**
 * Build badges: `GET /_kiln/badges?uuid=<token>&branch=<b>` (or `tag=<t>`, or neither) shows the newest build of the
 * project as a picture. Who knows the token may see the badge, as on AWS. Also answered at AWS's path `/badges`.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-badges.html
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AwsScope } from "../../../core/arn.ts";
import type { Ids } from "../../../core/ids.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { invalidInput } from "../errors.ts";
import { type BuildRecord, parseBuildId, projectKey, recordsIn } from "../records.ts";
import type { Project, ProjectBadge } from "../shapes.gen.ts";

export const BADGES_PREFIX = "/_kiln/badges";
const TOKEN_LENGTH = 48;
const TOKEN = /^[A-Za-z0-9]{1,100}$/;
/** Builds looked at for one of the branch. */
const LOOKED_AT = 500;

export type BadgeState = "PASSING" | "FAILING" | "IN_PROGRESS" | "UNKNOWN";

const badges = (store: Store): Collection<Key> => store.collection("codebuild.badges");
const badgeTokens = (store: Store): Collection<string> => store.collection("codebuild.badge-tokens");

/** Throws InvalidInputException where AWS has no badges. */
export function checkBadge(badgeEnabled: boolean | undefined, sourceType: string | undefined): void {
  if (badgeEnabled !== true) return;
  if (sourceType === "S3" || sourceType === "CODEPIPELINE") {
    throw invalidInput(`Invalid badge: build badges are not supported for source type ${sourceType}`);
  }
}

/** Gives the project its badge's token, once: it stays the same when badges are switched off and on. Inside `Store.write`. */
export function enableBadge(store: Store, ids: Ids, scope: AwsScope, projectName: string): void {
  const key = projectKey(scope, projectName);
  if (badgeTokens(store).has(key)) return;
  const token = ids.alphanumeric(TOKEN_LENGTH);
  badgeTokens(store).put(key, token);
  badges(store).put([token], key);
}

/** Inside `Store.write`. */
export function removeBadge(store: Store, scope: AwsScope, projectName: string): void {
  const key = projectKey(scope, projectName);
  const token = badgeTokens(store).get(key);
  if (token === undefined) return;
  badgeTokens(store).delete(key);
  badges(store).delete([token]);
}

/** The project's badge as AWS shows it. */
export function badgeShape(project: Project, store: Store, scope: AwsScope, endpointUrl: string): ProjectBadge {
  const token = badgeTokens(store).get(projectKey(scope, project.name ?? ""));
  if (project.badge?.badgeEnabled !== true || token === undefined) return { badgeEnabled: false };
  const branch = encodeURIComponent(project.sourceVersion ?? "master");
  // AWS: the branch in the URL is an example; people put theirs.
  return { badgeEnabled: true, badgeRequestUrl: `${endpointUrl}${BADGES_PREFIX}?uuid=${token}&branch=${branch}` };
}

export interface BadgeRoute {
  readonly prefix: string;
  accepts?(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function badgeRoutes(store: Store): readonly BadgeRoute[] {
  const route: BadgeRoute = { prefix: BADGES_PREFIX, handle: (...exchange) => answerBadge(store, ...exchange) };
  // Everything else at AWS's path is S3's: there may be a bucket of that name.
  const isBadge = ({ method, url = "", headers }: IncomingMessage): boolean =>
    (method === "GET" || method === "HEAD") &&
    headers.authorization === undefined &&
    /^\/badges\?(?:[^#]*&)?uuid=/.test(url);
  return [route, { ...route, prefix: "/badges", accepts: isBadge }];
}

function answerBadge(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { searchParams } = new URL(request.url ?? "/", "http://localhost");
  const token = searchParams.get("uuid") ?? "";
  const key = TOKEN.test(token) ? badges(store).get([token]) : undefined;
  const project = key && recordsIn(store).projects.get(key);
  if (!key || project?.badge?.badgeEnabled !== true) {
    response.writeHead(404, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(`${JSON.stringify({ message: "there is no badge of that address" })}\n`);
    return Promise.resolve();
  }
  const branch = searchParams.get("branch") ?? undefined;
  const tag = searchParams.get("tag") ?? undefined;
  const state = stateOf(newestBuild(store, key, branch ?? tag, tag !== undefined && branch === undefined));
  response.writeHead(200, {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": "no-cache, no-store, must-revalidate",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : badgeSvg(state));
  return Promise.resolve();
}

function newestBuild(store: Store, key: Key, name: string | undefined, isTag: boolean): BuildRecord | undefined {
  const records = recordsIn(store);
  const [accountId = "", region = ""] = key;
  const ids = records.byNumber.list(key, { reverse: true, limit: LOOKED_AT });
  for (const { value } of ids) {
    const { projectName, uuid } = parseBuildId(value);
    const record = records.builds.get([accountId, region, projectName, uuid]);
    if (record && (name === undefined || isOf(record, name, isTag))) return record;
  }
  return undefined;
}

/** True when the build was of the branch or tag: told by its webhook event, else by the source version asked for. */
function isOf({ settings, origin }: BuildRecord, name: string, isTag: boolean): boolean {
  const full = `refs/${isTag ? "tags" : "heads"}/${name}`;
  const headRef = origin.variables["CODEBUILD_WEBHOOK_HEAD_REF"];
  if (headRef !== undefined) return headRef === full;
  const version = settings.sourceVersion?.replace(/\^\{[0-9a-f]+\}$/, "");
  return version === name || version === full;
}

function stateOf(record: BuildRecord | undefined): BadgeState {
  switch (record?.build.buildStatus) {
    case undefined:
      return "UNKNOWN";
    case "IN_PROGRESS":
      return "IN_PROGRESS";
    case "SUCCEEDED":
      return "PASSING";
    default:
      return "FAILING";
  }
}

const COLORS: Readonly<Record<BadgeState, string>> = {
  PASSING: "#2e7d32",
  FAILING: "#c62828",
  IN_PROGRESS: "#1565c0",
  UNKNOWN: "#616161",
};
const TEXTS: Readonly<Record<BadgeState, string>> = {
  PASSING: "passing",
  FAILING: "failing",
  IN_PROGRESS: "in progress",
  UNKNOWN: "unknown",
};
const LABEL_WIDTH = 42;
const LETTER_WIDTH = 7;

/** The picture: `build` and the state in words, 20 pixels high. */
export function badgeSvg(state: BadgeState): string {
  const text = TEXTS[state];
  const width = text.length * LETTER_WIDTH + 12;
  const all = LABEL_WIDTH + width;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${all}" height="20" role="img" aria-label="build: ${text}">
<title>build: ${text}</title>
<clipPath id="r"><rect width="${all}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="${LABEL_WIDTH}" height="20" fill="#424242"/><rect x="${LABEL_WIDTH}" width="${width}" height="20" fill="${COLORS[state]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="${LABEL_WIDTH / 2}" y="14">build</text><text x="${LABEL_WIDTH + width / 2}" y="14">${text}</text>
</g>
</svg>
`;
}
