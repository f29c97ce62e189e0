import type * as z from 'zod';
import { didYouMean } from '../text/did-you-mean.ts';
import type { ProblemList } from './problems.ts';
import { descriptionAt, keysAt, type Schema } from './schema-walk.ts';
import { find, scalars, type TreeNode } from './yaml-tree.ts';

/** Checks a part of the configuration against its schema; what is wrong becomes plain sentences at their places. */
export async function checkForm<T>(
  schema: z.ZodType<T>,
  data: unknown,
  root: TreeNode,
  path: readonly PropertyKey[],
  problems: ProblemList,
): Promise<T | undefined> {
  const result = await schema.safeParseAsync(data, { error: sentence });
  if (result.success) return result.data;
  new Teller(schema, root, path, problems).tellAll(result.error.issues, []);
  return undefined;
}

class Teller {
  readonly #schema: Schema;
  readonly #root: TreeNode;
  readonly #prefix: readonly PropertyKey[];
  readonly #problems: ProblemList;

  constructor(schema: Schema, root: TreeNode, prefix: readonly PropertyKey[], problems: ProblemList) {
    this.#schema = schema;
    this.#root = root;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  /** What is missing because it was written in other words is told once, where those are. */
  tellAll(issues: readonly z.core.$ZodIssue[], within: readonly PropertyKey[]): void {
    const isMisspelt = (path: readonly PropertyKey[]) => {
      const key = String(path.at(-1));
      const group = path.slice(0, -1);
      return issues.some(
        (issue) =>
          issue.code === 'unrecognized_keys' &&
          isSamePath([...within, ...issue.path], group) &&
          issue.keys.some((written) => this.#meant(group, written).includes(`"${key}"`)),
      );
    };
    for (const issue of issues) {
      const path = [...within, ...issue.path];
      if (issue.message !== missing || !isMisspelt(path)) this.#tell(issue, within);
    }
  }

  #tell(issue: z.core.$ZodIssue, within: readonly PropertyKey[]): void {
    const path = [...within, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) this.#addAtKey([...path, key], this.#unknown(path, key));
    } else if (issue.code === 'invalid_key') {
      for (const { message } of issue.issues) this.#addAtKey(path, message);
    } else if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      this.#tellUnion(issue.errors, path, issue.message);
    } else {
      this.#add(path, issue.message);
    }
  }

  /** The member that was meant is the one whose own kind fits; without such a one, all kinds are named. */
  #tellUnion(errors: readonly z.core.$ZodIssue[][], path: readonly PropertyKey[], message: string): void {
    const meant = errors
      .filter((issues) => issues.every((issue) => issue.path.length > 0 || !kindCodes.includes(issue.code)))
      .sort((a, b) => a.length - b.length)[0];
    if (meant) this.tellAll(meant, path);
    else this.#add(path, message);
  }

  #add(path: readonly PropertyKey[], message: string): void {
    const full = [...this.#prefix, ...path];
    const { node, key, broken } = find(this.#root, full);
    if (broken || (node && hasBroken(node))) return;
    if (node?.kind === 'scalar' && node.written !== undefined && node.value === '') {
      this.#problems.add(node.place, full, `${node.written} is empty. Give it a value before starting.`);
      return;
    }
    const isMissing = node === undefined || (node.kind === 'scalar' && node.value === null);
    const said = isMissing && message === missing ? this.#missing(path) : message;
    this.#problems.add(node && !isMissing ? node.place : key, full, this.#withKeys(path, said));
  }

  #addAtKey(path: readonly PropertyKey[], message: string): void {
    const full = [...this.#prefix, ...path];
    this.#problems.add(find(this.#root, full).key, full, message);
  }

  #unknown(path: readonly PropertyKey[], key: string): string {
    const known = this.#keysBeside(path, key);
    const others = known.length > 0 ? ` Known here: ${known.join(', ')}.` : ' Leave it out.';
    return `unknown setting.${this.#meant(path, key) || others}`;
  }

  #meant(path: readonly PropertyKey[], key: string): string {
    const known = this.#keysBeside(path, key);
    const ours = ourWords[key.toLowerCase().replace(/s$/, '')]?.find((word) => known.includes(word));
    return ours === undefined ? didYouMean(key, known) : ` Did you mean "${ours}"?`;
  }

  #keysBeside(path: readonly PropertyKey[], key: string): string[] {
    return keysAt(this.#schema, path).filter((candidate) => candidate !== key);
  }

  /** Of a group of settings, which. */
  #withKeys(path: readonly PropertyKey[], message: string): string {
    const known = keysAt(this.#schema, path);
    return known.length === 0
      ? message
      : message.replace(asGroup, `${asGroup}; known here: ${known.join(', ')}`);
  }

  #missing(path: readonly PropertyKey[]): string {
    const description = descriptionAt(this.#schema, path);
    return description ? `${missing} ${description}` : missing;
  }
}

/** What CRMs and people call what the bridge has one word for in each place. */
const ourWords: Readonly<Record<string, readonly string[]>> = {
  contact: ['person'],
  lead: ['person'],
  caller: ['person'],
  call: ['activity'],
  engagement: ['activity'],
  task: ['followUp'],
  callback: ['followUp'],
  deal: ['sale'],
  opportunity: ['sale'],
  field: ['properties'],
  mapping: ['properties'],
  disposition: ['outcomes'],
  condition: ['when'],
  if: ['when'],
  title: ['subject', 'name'],
  name: ['title', 'subject'],
  subject: ['title', 'name'],
  dueat: ['due'],
  duedate: ['due'],
  assignee: ['owner'],
  payload: ['body'],
  json: ['body'],
  data: ['body'],
  expect: ['records'],
  expected: ['records'],
};

function isSamePath(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}

/** What a member of a union says when something of another kind is there. */
const kindCodes: readonly string[] = ['invalid_type', 'invalid_value'];

function hasBroken(node: TreeNode): boolean {
  for (const { scalar } of scalars(node)) if (scalar.broken) return true;
  return false;
}

const missing = 'is missing.';
const asGroup = '"name: value", one a line';

/** What is said wherever a schema has no message of its own: Zod asks for it. */
export function sentence(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? missing : `must be ${kind(issue.expected)}.${quoteHint(issue)}`;
    case 'invalid_value':
      return issue.input === undefined ? missing : choices(issue.input, issue.values);
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return tooBig(issue);
    case 'invalid_format':
      return issue.format === 'url'
        ? 'must be a URL, as in https://calls.example.com.'
        : issue.format === 'regex'
          ? `is not written as it must be (${issue.pattern}).`
          : `is not a valid ${issue.format}.`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}.`;
    case 'invalid_union':
      return unionSentence(issue);
    default:
      return 'is not valid here.';
  }
}

function kind(expected: string): string {
  const kinds: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list: write it in [ ]',
    object: `a group of settings (${asGroup})`,
    record: `a group of settings (${asGroup})`,
    null: 'null',
  };
  return kinds[expected] ?? expected;
}

function quoteHint(issue: { expected?: string; input?: unknown }): string {
  const isPlain = typeof issue.input === 'number' || typeof issue.input === 'boolean';
  return issue.expected === 'string' && isPlain ? ' Put it in quotes.' : '';
}

function choices(input: unknown, values: readonly unknown[]): string {
  const texts = values.map(String);
  const list = texts.length > 1 ? `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}` : (texts[0] ?? '');
  if (typeof input !== 'string') return `must be ${list}.`;
  return `there is no "${input}".${didYouMean(input, texts)} It must be ${list}.`;
}

function tooSmall(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  const { origin, minimum, inclusive } = issue;
  if (origin === 'string')
    return minimum === 1 ? 'must not be empty.' : `must have at least ${minimum} characters.`;
  if (origin === 'array')
    return minimum === 1 ? 'must not be empty.' : `must have at least ${minimum} entries.`;
  return `must be ${inclusive ? 'at least' : 'more than'} ${minimum}.`;
}

function tooBig(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig>): string {
  const { origin, maximum, inclusive } = issue;
  if (origin === 'string') return `must have at most ${maximum} characters.`;
  if (origin === 'array') return `must have at most ${maximum} entries.`;
  return `must be ${inclusive === false ? 'less than' : 'at most'} ${maximum}.`;
}

function unionSentence(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  if (issue.input === undefined) return missing;
  if ('discriminator' in issue && typeof issue.discriminator === 'string') {
    const group = issue.input as Record<string, unknown> | null;
    const value = group?.[issue.discriminator];
    const options = Array.isArray(issue['options']) ? issue['options'] : [];
    if (value !== undefined && options.length > 0) return choices(value, options);
    return options.length > 0 ? `is missing. It must be ${options.map(String).join(' or ')}.` : missing;
  }
  const own = (issue.errors ?? []).flat().filter(({ path }) => path.length === 0);
  const kinds = own.flatMap((one) => (one.code === 'invalid_type' ? [kind(one.expected)] : []));
  const values = own.flatMap((one) => (one.code === 'invalid_value' ? one.values : []));
  if (kinds.length === 0 && values.length > 0) return choices(issue.input, values);
  const all = [...new Set([...kinds, ...values.map(String)])];
  return all.length > 0 ? `must be ${all.join(', or ')}.` : 'is not valid here.';
}
