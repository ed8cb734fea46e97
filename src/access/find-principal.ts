/**
 * From what a person writes to the principal that would call: a role as a session of it, a user, the root user of an
 * account, a service. Roles and users must exist: their policies are what is asked.
 */
import { type AwsScope, parseArn } from "../core/arn.ts";
import type { AwsCaller, Principal } from "../core/aws.ts";
import { AwsError, KilnError, usageError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { roleSession, rootPrincipal, servicePrincipal } from "../identity/index.ts";

/** Who would call, and how answers name it. */
export interface FoundPrincipal {
  readonly principal: Principal;
  /** `role Builder`, `user ann`, … */
  readonly label: string;
}

/** Session name of a role that is only asked about. */
const SESSION_NAME = "kiln-iam-can";

/** What looking for principals needs. */
export interface PrincipalFinder {
  /** The root user of an account. */
  rootOf(accountId: string): AwsCaller;
  /** Where names without an account are looked for. */
  readonly scope: AwsScope;
  nowMs(): number;
}

/** `Builder`, `role/Builder`, `user/ann`, an ARN of a role, session, user or root, `root`, or a service's name. */
export async function findPrincipal(text: string, finder: PrincipalFinder): Promise<FoundPrincipal> {
  const arn = parseArn(text);
  const accountId = arn?.accountId || finder.scope.accountId;
  const [kind = "", ...names] = (arn ? arn.resource : text).split("/");
  const name = names.at(-1) ?? "";
  if (!arn && text.endsWith(".amazonaws.com")) return service(text, finder);
  if (kind === "root" && names.length === 0) return root(accountId, finder);
  if (kind === "user" && name !== "")
    return found(await userNamed(name, accountId, finder), "user", name, accountId, finder);
  if (kind === "role" && name !== "")
    return found(await roleNamed(name, accountId, finder), "role", name, accountId, finder);
  if (kind === "assumed-role" && names.length > 1) {
    const [roleName = "", sessionName = SESSION_NAME] = names;
    return found(await roleNamed(roleName, accountId, finder, sessionName), "role", roleName, accountId, finder);
  }
  if (arn || names.length > 0) {
    throw usageError(`\`${text}\` names no role and no user`, [
      "write `Builder` or `role/Builder` for a role, `user/ann` for a user, or the ARN of either",
    ]);
  }
  // Neither kind is named: both are looked for.
  const [role, user] = await Promise.all([roleNamed(text, accountId, finder), userNamed(text, accountId, finder)]);
  if (role && user) {
    throw usageError(`there is a role and a user \`${text}\``, [`write \`role/${text}\` or \`user/${text}\``]);
  }
  return found(role ?? user, "role or user", text, accountId, finder);
}

async function found(
  principal: FoundPrincipal | undefined,
  kind: "role" | "user" | "role or user",
  name: string,
  accountId: string,
  finder: PrincipalFinder,
): Promise<FoundPrincipal> {
  if (principal) return principal;
  const names = await entityNames(accountId, finder);
  const suggestion = nearest(
    name,
    names.map((one) => one.slice(one.indexOf("/") + 1)),
  );
  const near = names.find((one) => one.slice(one.indexOf("/") + 1) === suggestion);
  throw new KilnError({
    code: kind === "user" ? "KILN_E_NO_USER" : "KILN_E_NO_ROLE",
    message: `there is no ${kind} \`${name}\` in account ${accountId}${near === undefined ? "" : `; the nearest is \`${near}\``}`,
    fix: [
      names.length === 0
        ? "the account has no roles and no users yet"
        : `the account has: ${names
            .slice(0, 8)
            .map((one) => `\`${one}\``)
            .join(", ")}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`,
    ],
    exitCode: 2,
  });
}

/** `role/Builder`, `user/ann`: every role and user of an account. */
export async function entityNames(accountId: string, { rootOf }: PrincipalFinder): Promise<string[]> {
  const aws = rootOf(accountId);
  const names: string[] = [];
  for (const [operation, list, member, kind] of [
    ["ListRoles", "Roles", "RoleName", "role"],
    ["ListUsers", "Users", "UserName", "user"],
  ] as const) {
    for (let Marker: string | undefined; ; ) {
      const page: Record<string, unknown> = await aws.call("iam", operation, {
        MaxItems: 1000,
        ...(Marker && { Marker }),
      });
      for (const one of (page[list] ?? []) as Record<string, string>[]) names.push(`${kind}/${one[member]}`);
      if (page["IsTruncated"] !== true) break;
      Marker = page["Marker"] as string;
    }
  }
  return names;
}

async function roleNamed(
  name: string,
  accountId: string,
  { rootOf, nowMs }: PrincipalFinder,
  sessionName = SESSION_NAME,
): Promise<FoundPrincipal | undefined> {
  const answer = await unlessAbsent(
    rootOf(accountId).call<{ Role: { Arn: string; RoleName: string; RoleId: string } }>("iam", "GetRole", {
      RoleName: name,
    }),
  );
  if (!answer) return undefined;
  const { Arn, RoleName, RoleId } = answer.Role;
  const principal = roleSession({ arn: Arn, name: RoleName, id: RoleId }, sessionName, nowMs());
  return { principal, label: `role ${RoleName}` };
}

async function userNamed(
  name: string,
  accountId: string,
  { rootOf }: PrincipalFinder,
): Promise<FoundPrincipal | undefined> {
  const answer = await unlessAbsent(
    rootOf(accountId).call<{ User: { Arn: string; UserName: string; UserId: string } }>("iam", "GetUser", {
      UserName: name,
    }),
  );
  if (!answer) return undefined;
  const { Arn, UserName, UserId } = answer.User;
  return {
    principal: { type: "User", arn: Arn, accountId, userId: UserId, userName: UserName },
    label: `user ${UserName}`,
  };
}

const root = (accountId: string, { scope }: PrincipalFinder): FoundPrincipal => ({
  principal: rootPrincipal({ ...scope, accountId }),
  label: `the root user of ${accountId}`,
});

/** `aws:SourceArn` comes with `--context`. */
const service = (name: string, { scope }: PrincipalFinder): FoundPrincipal => ({
  principal: servicePrincipal(name, "", scope),
  label: `the service ${name}`,
});

/** Undefined for what IAM does not have, names it cannot have included. */
async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof AwsError && /^(NoSuchEntity|ValidationError)/.test(error.code)) return undefined;
    throw error;
  }
}
