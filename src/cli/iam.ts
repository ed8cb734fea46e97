/** `kiln iam can|who-can`: whether a role or user may do something, and why, decided like a real call. */
import { Command } from "commander";
import type { AccessAnswer, AccessQuestion, Kiln } from "../app.ts";
import { usageError } from "../core/errors.ts";
import { type DecisionExplanation, explainDecision, POLICY_TYPE_NAMES, renderDecision } from "../explain/index.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { table } from "./table.ts";

interface Values {
  readonly context?: readonly string[];
}

const OTHER_CODES =
  "2 wrong usage (a name that does not exist included),\n            4 the resource's own policy cannot be read.";

export function iamCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("iam").description("questions about permissions");
  const can = new Command("can")
    .description(
      "whether a role or user may do something: the statement that decides, or what comes nearest and the fix",
    )
    .argument("<who>", "role, user/NAME, an ARN, `root`, or a service such as codebuild.amazonaws.com")
    .argument("<action>", "e.g. ssm:GetParameter")
    .argument("[resource...]", "ARN, or a short form: /app/x, secret:db, bucket/key, alias/app");
  addQuestionOptions(
    can,
    `kiln iam can Builder ssm:GetParameters /app/password\n  kiln iam can ann iam:PassRole role/Builder --context iam:PassedToService=codebuild.amazonaws.com\n\nExit codes: 0 allowed, 1 denied, ${OTHER_CODES}`,
  );
  group.addCommand(
    can.action(async (who: string, action: string, resources: readonly string[], values: Values) => {
      const context = commandContext(io, settingsOf(values, io));
      const question = { action, resources, context: contextOf(values) };
      exit(await withKiln(context, (kiln) => printCan(context, kiln, who, question)));
    }),
  );
  const whoCan = new Command("who-can")
    .description("every role and user of the account that may do something, and by which statement")
    .argument("<action>", "e.g. kms:Decrypt")
    .argument("[resource...]", "ARN, or a short form");
  addQuestionOptions(
    whoCan,
    `kiln iam who-can kms:Decrypt alias/app\n\nExit codes: 0 somebody may, 1 nobody, ${OTHER_CODES}`,
  );
  group.addCommand(
    whoCan.action(async (action: string, resources: readonly string[], values: Values) => {
      const context = commandContext(io, settingsOf(values, io));
      const question = { action, resources, context: contextOf(values) };
      exit(await withKiln(context, (kiln) => printWhoCan(context, kiln, question)));
    }),
  );
  return group;
}

function addQuestionOptions(command: Command, after: string): void {
  command.addOption(
    option(
      "--context <key=value>",
      "a condition key of the call, e.g. aws:SourceIp=10.0.0.1; repeatable, also for one key",
    ).argParser((text: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), text]),
  );
  addCommonOptions(command);
  command.addHelpText("after", `\nExample:\n  ${after}`);
}

/** A key that is given several times, in any case, has several values. */
function contextOf({ context = [] }: Values): AccessQuestion["context"] {
  const given = new Map<string, { readonly key: string; readonly values: readonly string[] }>();
  for (const text of context) {
    const at = text.indexOf("=");
    const key = at === -1 ? text : text.slice(0, at);
    if (at === -1 || !/^[\w./-]+:.+$/.test(key)) {
      throw usageError(`\`--context ${key}\` is not a condition key with a value`, [
        "write --context aws:SourceIp=10.0.0.1",
      ]);
    }
    const earlier = given.get(key.toLowerCase()) ?? { key, values: [] };
    given.set(key.toLowerCase(), { key: earlier.key, values: [...earlier.values, text.slice(at + 1)] });
  }
  return Object.fromEntries(
    [...given.values()].map(({ key, values }) => [key, values.length === 1 ? (values[0] ?? "") : values]),
  );
}

const isAllowed = ({ decision }: AccessAnswer): boolean => decision.effect === "allowed";

const explained = ({ decision, principalArn }: AccessAnswer): DecisionExplanation =>
  explainDecision(decision, principalArn);

async function printCan(context: CommandContext, kiln: Kiln, who: string, question: AccessQuestion): Promise<number> {
  const answers = await kiln.access.can(who, question);
  const allowed = answers.every(isAllowed);
  if (context.settings.output === "json") context.printJson({ allowed, answers: answers.map(answerJson) });
  else {
    const told = new Set<string>();
    for (const answer of answers) printAnswer(context, answer, told);
  }
  return allowed ? 0 : 1;
}

/** `told`: notes that were printed; those of the question are in every answer. */
function printAnswer(context: CommandContext, answer: AccessAnswer, told: Set<string>): void {
  for (const note of answer.notes) {
    if (!told.has(note)) context.note(note);
    told.add(note);
  }
  const [first = "", ...rest] = renderDecision(answer.decision, explained(answer));
  context.print(`${answer.who}: ${first.replace(/ +/, " ")}`);
  for (const line of rest) context.print(line);
  const asked = answer.policies.map(({ name, type }) => `${name} (${POLICY_TYPE_NAMES[type]})`);
  if (asked.length === 0) context.print("  asked: no policy has a statement for this caller");
  else context.print(["  asked:", ...asked.map((line) => `    ${line}`)].join("\n"));
}

const answerJson = (answer: AccessAnswer) => ({
  who: answer.who,
  principalArn: answer.principalArn,
  action: answer.decision.action,
  resource: answer.decision.resource,
  allowed: isAllowed(answer),
  decision: answer.decision,
  explanation: explained(answer),
  policies: answer.policies,
  notes: answer.notes,
});

async function printWhoCan(context: CommandContext, kiln: Kiln, question: AccessQuestion): Promise<number> {
  const answers = await kiln.access.whoCan(question);
  const able = answers.filter(isAllowed);
  const asked = new Set(answers.map(({ who }) => who)).size;
  const notes = [...new Set(answers.flatMap((answer) => answer.notes))];
  if (context.settings.output === "json") {
    context.printJson({ allowed: able.length > 0, answers: able.map(answerJson), asked, notes });
    return able.length > 0 ? 0 : 1;
  }
  for (const note of notes) context.note(note);
  if (able.length > 0) {
    const rows = able.map((answer) => [answer.who, answer.decision.resource, explained(answer).because]);
    context.print(table([["WHO", "RESOURCE", "WHY"], ...rows]));
  } else if (asked === 0) context.print("the account has no roles and no users yet");
  else context.print(`nobody of ${asked === 1 ? "the one role or user" : `the ${asked} roles and users`} may`);
  context.note("the root user is not asked: it may do all that no resource's policy denies");
  return able.length > 0 ? 0 : 1;
}
