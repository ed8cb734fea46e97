/**
 * What the language server knows of Kiln: the same as `kiln check`, read again when the state folder changed. Kiln is opened
 * for a moment and closed; a folder without state stays without.
 */
import { statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Kiln } from "../../app.ts";
import type { Knowledge } from "../../check/index.ts";
import type { Clock } from "../../core/clock.ts";
import { KilnError } from "../../core/errors.ts";
import { explainDecision } from "../../explain/index.ts";
import type { AccessFacts, AccessSubject, KnowledgeSource } from "../../language-server/index.ts";
import { type CommandContext, commandContext, withKiln } from "../command-context.ts";
import type { CliIo } from "../io.ts";
import { projectNameOf } from "../project/project-files.ts";
import { settingsOf } from "../settings.ts";
import { gatherKnowledge } from "./check-knowledge.ts";
import type { KnowledgeFlags } from "./knowledge-flags.ts";

/** A Kiln that runs beside the editor writes all the time; what it holds is read no oftener. */
const READ_AT_MOST_EVERY_MS = 1_000;

interface Kept {
  readonly readAtMs: number;
  /** What the state's files looked like after they were read. */
  stamp: string;
  knowledge: Promise<Knowledge>;
  readonly access: Map<string, Promise<AccessFacts | undefined>>;
}

export function createEditorKnowledge(io: CliIo, values: KnowledgeFlags, clock: Clock): KnowledgeSource {
  const kept = new Map<string, Kept>();
  const told = new Set<string>();
  const contextFor = (folder: string): CommandContext => commandContext(io, settingsOf(values, io, folder || io.cwd));
  /** On standard error, where editors keep a log; once each. */
  const tell = (error: KilnError): void => {
    const line = `kiln lsp: ${error.message}`;
    if (!told.has(line)) io.stderr.write(`${line}\n`);
    told.add(line);
  };
  const unlessRefused = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
    work.catch((error: unknown) => {
      if (!(error instanceof KilnError)) throw error;
      tell(error);
      return otherwise;
    });

  const entryFor = (folder: string, texts: readonly string[]): Kept => {
    const context = contextFor(folder);
    const known = kept.get(folder);
    const nowMs = clock.nowMs();
    if (known && (nowMs - known.readAtMs < READ_AT_MOST_EVERY_MS || known.stamp === stampOf(context))) return known;
    const entry: Kept = { readAtMs: nowMs, stamp: stampOf(context), knowledge: Promise.resolve({}), access: new Map() };
    entry.knowledge = unlessRefused(
      gatherKnowledge(context, values, texts).then(({ knowledge }) => knowledge),
      {},
    ).finally(() => {
      // Reading the state moves its files; what others write afterwards counts.
      entry.stamp = stampOf(context);
    });
    kept.set(folder, entry);
    return entry;
  };

  return {
    async read(folder, texts) {
      return entryFor(folder, texts).knowledge;
    },
    forget: () => kept.clear(),
    async access(folder, subject) {
      const context = contextFor(folder);
      const entry = entryFor(folder, []);
      await entry.knowledge;
      if (stampOf(context) === "") return undefined;
      const key = `${subject.kind} ${subject.name}`;
      if (entry.access.has(key)) return entry.access.get(key);
      const asked = unlessRefused(
        withKiln(context, (kiln) => askAccess(kiln, values, folder, subject)),
        undefined,
      ).finally(() => {
        entry.stamp = stampOf(context);
      });
      entry.access.set(key, asked);
      return asked;
    },
  };
}

/** Changes when somebody writes to the state; empty without state. */
function stampOf({ settings }: CommandContext): string {
  return ["kiln.db", "kiln.db-wal"]
    .map((name) => {
      const stat = statSync(join(settings.stateDir, name), { throwIfNoEntry: false });
      return stat ? `${stat.mtimeMs}:${stat.size}` : "";
    })
    .filter((part) => part !== "")
    .join(" ");
}

/** The named project, the one that `kiln run` makes of the folder, or the only one there is. */
async function askAccess(
  kiln: Kiln,
  { project, role }: KnowledgeFlags,
  folder: string,
  { kind, name }: AccessSubject,
): Promise<AccessFacts | undefined> {
  const { projects = [] } = await kiln.root.call<{ projects?: string[] }>("codebuild", "ListProjects", {});
  const own = projectNameOf(folder);
  const found = project ?? (projects.includes(own) ? own : projects.length === 1 ? projects[0] : undefined);
  if (found === undefined) return undefined;
  const { projects: [described] = [] } = await kiln.root.call<{ projects?: { serviceRole?: string }[] }>(
    "codebuild",
    "BatchGetProjects",
    { names: [found] },
  );
  const roleName = role ?? basename(described?.serviceRole ?? "");
  if (roleName === "") return undefined;
  const action = kind === "parameter" ? "ssm:GetParameters" : "secretsmanager:GetSecretValue";
  const resource = kind === "parameter" ? name : name.startsWith("arn:") ? name : `secret:${name}`;
  const [answer] = await kiln.access.can(roleName, { action, resources: [resource], context: {} });
  if (!answer) return undefined;
  const { because, fix } = explainDecision(answer.decision, answer.principalArn);
  const isAllowed = answer.decision.effect === "allowed";
  return {
    project: found,
    role: roleName,
    isAllowed,
    because: isAllowed || fix === undefined ? because : `${because}. ${fix.text}`,
  };
}
