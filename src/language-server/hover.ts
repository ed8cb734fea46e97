/** Hover: what a key is for, what stands behind a name, who may read it, and what is wrong here with the fix. */
import type { Hover, Range } from "vscode-languageserver-protocol";
import { buildspecGrammar, grammarAt } from "../build/buildspec/index.ts";
import { curatedImage, curatedNames } from "../build/plan/index.ts";
import { findParameter, parameterNameOf } from "../check/index.ts";
import type { Diagnostic } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { codebuildVariable, variablesPage } from "./codebuild-variables.ts";
import { versionOf } from "./completion.ts";
import { keyMarkdown, valuesOf } from "./grammar-texts.ts";
import type { AccessFacts, AccessSubject } from "./knowledge.ts";
import { fencedCode, markdownText } from "./markdown-text.ts";
import { type Place, placeAt } from "./place.ts";
import { isIn, rangeAt } from "./ranges.ts";
import { parameterMarkdown } from "./value-suggestions.ts";
import { variableNamed, variableUseAt } from "./variables.ts";

type AskAccess = (subject: AccessSubject) => Promise<AccessFacts | undefined>;

export async function hoverAt(analysis: Analysis, offset: number, access: AskAccess): Promise<Hover | null> {
  const parts = analysis.diagnostics
    .filter(({ span }) => span && span.file === analysis.file && isIn(span, offset))
    .map(diagnosticMarkdown);
  const subject = await subjectAt(analysis, offset, access);
  if (subject) parts.unshift(subject.markdown);
  if (parts.length === 0) return null;
  return { contents: { kind: "markdown", value: parts.join("\n\n---\n\n") }, ...(subject && { range: subject.range }) };
}

interface Subject {
  readonly markdown: string;
  readonly range: Range;
}

async function subjectAt(analysis: Analysis, offset: number, access: AskAccess): Promise<Subject | undefined> {
  const { document, text, outline } = analysis;
  const use = variableUseAt(text, offset);
  if (use) {
    const markdown = await variableMarkdown(analysis, use.name, access);
    return { markdown, range: rangeAt(document, use.startOffset, use.endOffset) };
  }
  const place = placeAt(text, offset, outline);
  if (!place || place.isBlock) return undefined;
  const markdown = await placeMarkdown(analysis, place, access);
  return markdown === undefined
    ? undefined
    : { markdown, range: rangeAt(document, place.startOffset, place.endOffset) };
}

async function placeMarkdown(analysis: Analysis, place: Place, access: AskAccess): Promise<string | undefined> {
  const written = analysis.text.slice(place.startOffset, place.endOffset).replace(/^(["'])(.*)\1$/, "$2");
  if (written === "") return undefined;
  const version = versionOf(analysis);
  if (place.position === "inside") {
    const key = grammarAt(buildspecGrammar, [...place.path, written], version);
    const parent = grammarAt(buildspecGrammar, place.path, version);
    if (parent?.value.kind === "section" && key?.key) return keyMarkdown(written, key.key);
    const last = place.path.at(-1);
    if (last === "runtime-versions") return runtimeMarkdown(written);
    const isVariable =
      last === "variables" || last === "parameter-store" || last === "secrets-manager" || last === "plaintext";
    return isVariable ? variableMarkdown(analysis, written, access) : undefined;
  }
  const parent = place.path.at(-2);
  if (parent === "parameter-store") return parameterAndAccess(analysis, written, access);
  if (parent === "secrets-manager") return secretAndAccess(analysis, written, access);
  if (parent === "runtime-versions")
    return runtimeMarkdown(place.path.at(-2) === "runtime-versions" ? (place.path.at(-1) ?? "") : "", written);
  if (parent === "exported-variables") return variableMarkdown(analysis, written, access);
  const grammar = grammarAt(buildspecGrammar, place.path, version);
  const values = grammar && valuesOf(grammar.value);
  const says = [written, written.toUpperCase()].flatMap((one) =>
    values && Object.hasOwn(values, one) ? (values[one] ?? []) : [],
  )[0];
  return says === undefined ? undefined : `**\`${written}\`**: ${says}`;
}

async function variableMarkdown(analysis: Analysis, name: string, access: AskAccess): Promise<string> {
  const origin = variableNamed(analysis, name);
  const title = markdownText(`**\`${name}\`**`);
  if (!origin) return `${title}\n\nDeclared nowhere in this file: the project, a pipeline or the image may set it.`;
  const more =
    origin.parameter !== undefined
      ? await parameterAndAccess(analysis, origin.parameter, access)
      : origin.secret !== undefined
        ? await secretAndAccess(analysis, origin.secret, access)
        : undefined;
  const link = codebuildVariable(name) === origin.says ? `[AWS documentation](${variablesPage})` : undefined;
  return [title, markdownText(origin.says), more, link].filter((part) => part !== undefined).join("\n\n");
}

async function parameterAndAccess({ knowledge }: Analysis, reference: string, access: AskAccess): Promise<string> {
  const parameters = knowledge.parameters?.list();
  if (!parameters) return nothingKnown("Parameter", reference);
  const found = findParameter(parameters, reference);
  if (!found) return markdownText(`Parameter \`${reference}\`: not in Kiln's store.`);
  return withAccess(parameterMarkdown(found), await access({ kind: "parameter", name: parameterNameOf(reference) }));
}

async function secretAndAccess({ knowledge }: Analysis, reference: string, access: AskAccess): Promise<string> {
  if (!knowledge.secrets) return nothingKnown("Secret", reference);
  const found = knowledge.secrets.find(
    ({ name, arn }) => reference === arn || reference.startsWith(`${arn}:`) || reference.split(":")[0] === name,
  );
  if (!found) return markdownText(`Secret \`${reference.split(":")[0]}\`: not in Kiln's store.`);
  const versions = found.versions?.length;
  const facts = [
    found.isDeleted ? "waits for its deletion" : undefined,
    versions === undefined ? undefined : `${versions} ${versions === 1 ? "version" : "versions"}`,
    found.keyId === undefined ? undefined : `key \`${found.keyId}\``,
    found.jsonKeys ? `members ${found.jsonKeys.map((key) => `\`${key}\``).join(", ")}` : undefined,
  ].filter((fact) => fact !== undefined);
  const text = `Secret \`${found.name}\`${facts.length > 0 ? `: ${facts.join(", ")}` : ""}`;
  return withAccess(markdownText(text), await access({ kind: "secret", name: found.name }));
}

const withAccess = (text: string, facts: AccessFacts | undefined): string =>
  facts === undefined
    ? text
    : `${text}\n\n${markdownText(`Role \`${facts.role}\` of project \`${facts.project}\` ${facts.isAllowed ? "may" : "may **not**"} read it: ${facts.because}`)}`;

const nothingKnown = (kind: string, reference: string): string =>
  markdownText(`${kind} \`${reference}\`: Kiln has no store here, so nothing is known about it.`);

/** Which of CodeBuild's maintained images list the runtime, and the version. */
function runtimeMarkdown(runtime: string, version?: string): string | undefined {
  const images = curatedNames.flatMap((name) => {
    const image = curatedImage(name);
    const versions =
      image?.isMaintained && Object.hasOwn(image.runtimes, runtime) ? image.runtimes[runtime] : undefined;
    return versions ? [{ name, versions }] : [];
  });
  if (images.length === 0) return undefined;
  const isListed = (versions: readonly string[]) => version !== undefined && versions.includes(version);
  return [
    markdownText(`**\`${runtime}${version === undefined ? "" : ` ${version}`}\`** in CodeBuild's images:`),
    images
      .map(
        ({ name, versions }) => `- \`${name}\`: ${isListed(versions) ? `has ${version}; ` : ""}${versions.join(", ")}`,
      )
      .join("\n"),
  ].join("\n\n");
}

/** The rule's finding with its reason, what to do, and its page. */
function diagnosticMarkdown({ code, message, why, fix, source }: Diagnostic): string {
  return [
    `**${code}**: ${markdownText(message)}`,
    why && markdownText(why),
    fix && `Fix: ${markdownText(fix.title)}`,
    fix && fix.kind !== "edit" ? fencedCode("sh", fix.commands.join("\n")) : undefined,
    `[AWS documentation](${source})`,
  ]
    .filter((part) => part !== undefined && part !== "")
    .join("\n\n");
}
