/**
 * Filter patterns for lines of fields with spaces between them: `[ip, user, ..., status = 4* && status != 403, bytes > 10]`.
 * What stands between `[` and `]` or between quotes in the line is one field. Without `...` the line must have as many
 * fields as the pattern.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
import { invalidParameter } from "../errors.ts";
import {
  invalidCharacters,
  invalidPattern,
  PatternReader,
  type Scalar,
  type Test,
  textNumber,
} from "./pattern-reader.ts";

const NAME = /[A-Za-z0-9_$-]+/y;
const NO_NAME = /[^\sA-Za-z0-9_,[\]]+/y;
const FIELD = /\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|(\S+)/g;

type FieldTest = Test<Scalar> | undefined;

/** Throws AWS's error for a pattern that does not parse. */
export function parseFieldFilterPattern(pattern: string): (message: string) => boolean {
  if (!pattern.endsWith("]")) throw invalidParameter("If a filter pattern starts with '[' it must end with ']'");
  const { before, after } = readFields(new PatternReader(pattern.slice(1, -1)));
  return (message) => {
    const fields = fieldsOf(message);
    if (after ? fields.length < before.length + after.length : fields.length !== before.length) return false;
    const holds = (test: FieldTest, field: string | undefined): boolean => !test || test(field ?? "");
    const last = fields.length - (after?.length ?? 0);
    return (
      before.every((test, index) => holds(test, fields[index])) &&
      (after ?? []).every((test, index) => holds(test, fields[last + index]))
    );
  };
}

interface Fields {
  readonly before: readonly FieldTest[];
  /** The fields that follow `...`, where it is there. */
  readonly after: readonly FieldTest[] | undefined;
}

function readFields(reader: PatternReader): Fields {
  const before: FieldTest[] = [];
  let after: FieldTest[] | undefined;
  do {
    if (reader.take("...")) {
      if (after) throw invalidPattern();
      after = [];
    } else (after ?? before).push(readField(reader));
  } while (reader.take(","));
  reader.expectEnd();
  return { before, after };
}

/** A field with its condition; one without a name counts, too. */
function readField(reader: PatternReader): FieldTest {
  reader.take("");
  const name = reader.read(NAME);
  if (name === undefined) {
    const characters = reader.read(NO_NAME);
    if (characters !== undefined && characters !== "(") throw invalidCharacters(characters);
    if (characters === undefined) return undefined;
    throw invalidPattern();
  }
  if (!isCompared(reader)) return undefined;
  let isFirst = true;
  return reader.expression<Scalar>(() => {
    // AWS: each condition of a field names it again.
    if (!isFirst && !reader.take(name)) throw invalidPattern();
    isFirst = false;
    return reader.comparison(textNumber);
  });
}

const COMPARED = /(?=[=<>!])/y;

function isCompared(reader: PatternReader): boolean {
  reader.take("");
  return reader.read(COMPARED) !== undefined;
}

function fieldsOf(message: string): string[] {
  return [...message.matchAll(FIELD)].map(([, bracketed, quoted, plain]) => bracketed ?? quoted ?? plain ?? "");
}
