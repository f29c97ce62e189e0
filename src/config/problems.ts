import { isAbsolute, relative } from 'node:path';
import type { Place } from './yaml-tree.ts';

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** As people should see it: relative to the working directory when it lies below. */
  file: string;
  /** From 1. 0: the file as a whole. */
  line: number;
  column: number;
  /** `connectors.acme-hubspot.accessToken`; empty when the text could not be read that far. */
  path: string;
  /** What is wrong and what to do. Continues `path: `. */
  message: string;
}

/** All that is wrong with the configuration, so that it is put right in one go. */
export class ConfigProblems extends Error {
  override name = 'ConfigProblems';
  readonly problems: readonly Problem[];
  /** Every file that was read, absolute: mending one of these may mend it all. */
  readonly files: readonly string[];
  /** What is odd besides, but may be meant. */
  readonly warnings: readonly string[];

  constructor(
    problems: readonly Problem[],
    {
      files = [],
      warnings = [],
    }: { files?: readonly string[] | undefined; warnings?: readonly string[] | undefined } = {},
  ) {
    const sorted = sortProblems(problems);
    super(formatProblems(sorted));
    this.problems = sorted;
    this.files = files;
    this.warnings = warnings;
  }
}

function sortProblems(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))].sort();
  return [...problems].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

function formatProblems(problems: readonly Problem[]): string {
  const places = problems.map(({ file, line, column }) => (line === 0 ? file : `${file}:${line}:${column}`));
  const width = Math.max(...places.map((place) => place.length));
  return problems
    .map(
      ({ path, message }, index) => `${places[index]!.padEnd(width)}  ${path ? `${path}: ` : ''}${message}`,
    )
    .join('\n');
}

/** `connectors.acme.properties["two words"]`, `routes[1].to[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w$-]+$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

/** Collects problems while the configuration is read. */
export class ProblemList {
  readonly all: Problem[] = [];
  readonly #paths = new Map<Problem, readonly PropertyKey[]>();
  readonly #cwd: string;

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  add(place: Place, path: readonly PropertyKey[], message: string): void {
    // What a message quotes must not break the line or drive the terminal.
    const printable = message.replace(/\p{Cc}/gu, ' ');
    const problem = { ...place, file: this.shown(place.file), path: pathText(path), message: printable };
    this.all.push(problem);
    this.#paths.set(problem, path);
  }

  pathOf(problem: Problem): readonly PropertyKey[] | undefined {
    return this.#paths.get(problem);
  }

  /** About the file as a whole. */
  addFile(file: string, message: string): void {
    this.add({ file, line: 0, column: 0 }, [], message);
  }

  shown(file: string): string {
    const below = relative(this.#cwd, file);
    return below.startsWith('..') || isAbsolute(below) ? file : below;
  }
}
