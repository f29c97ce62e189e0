import { resolve } from 'node:path';
import { readText } from './text-file.ts';

/*
 * `${NAME}`, `${NAME:-default}` and `${file:/run/secrets/x}` within a value; `$${` is a plain `${`. What they give is
 * always text and never YAML, so no value can change the structure. `${{` is left alone: a dollar sign before Liquid.
 */

const expression = /\$\$\{(?!\{)|\$\{(?!\{)([^{}]*)(\}?)/g;

/** In a list written with [ ], YAML would end the text at these. */
const yamlSigns = '{}[],:# ';
/** Unicode reserves these code points for a program's own use: no text that people exchange holds them. */
const firstStandIn = 0xfdd0;
const standIns = [...yamlSigns].map((_, index) => String.fromCharCode(firstStandIn + index)).join('');

/** Makes variables harmless to the YAML parser, character by character, so that every place stays where it is. */
export function maskVariables(yaml: string): string {
  // A quote within is part of a default, or else the end of a text whose variable is not closed.
  return yaml.replace(/\$\{(?:\w+:-[^{}\n]*|[^{}"'\n]*)\}/g, (variable) =>
    variable.replace(/[{}[\],:# ]/g, (sign) => standIns[yamlSigns.indexOf(sign)]!),
  );
}

export function unmaskVariables(text: string): string {
  return text.replace(/[\uFDD0-\uFDD7]/g, (standIn) => yamlSigns[standIns.indexOf(standIn)]!);
}

export interface Given {
  /** `${HUBSPOT_TOKEN}` */
  written: string;
  value: string;
}

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  /** Folder of the YAML file. */
  folder: string;
  /** Where variables may be written down, as people should see it. */
  envFile: string;
  /** Told of every file that is read. */
  reads(file: string): void;
}

export interface Filled {
  text: string;
  /** What came from outside the YAML: a default that stands in it is not among these. */
  given: Given[];
  problems: string[];
}

export async function fillIn(text: string, surroundings: Surroundings): Promise<Filled> {
  const filled: Filled = { text: '', given: [], problems: [] };
  let end = 0;
  for (const match of text.matchAll(expression)) {
    filled.text += text.slice(end, match.index);
    end = match.index + match[0].length;
    filled.text +=
      match[1] === undefined ? '${' : await resolveVariable(match[0], match[1], surroundings, filled);
  }
  filled.text += text.slice(end);
  return filled;
}

async function resolveVariable(
  written: string,
  inside: string,
  surroundings: Surroundings,
  filled: Filled,
): Promise<string> {
  const given = (value: string) => {
    filled.given.push({ written, value });
    return value;
  };
  const problem = (message: string) => {
    filled.problems.push(message);
    return '';
  };
  if (!written.endsWith('}')) return problem(`\${ is not closed by }. Write $\${ for a plain \${.`);
  if (inside.startsWith('file:')) {
    try {
      return given(await readSecret(resolve(surroundings.folder, inside.slice(5).trim()), surroundings));
    } catch (cause) {
      return problem(`${written} cannot be read: ${fileReason(cause)}.`);
    }
  }
  const variable = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside);
  if (!variable) {
    return problem(
      `${written} is not a variable. Write \${NAME}, \${NAME:-default} or \${file:path}, or $\${ for a plain \${.`,
    );
  }
  const [, name = '', otherwise] = variable;
  const value = Object.hasOwn(surroundings.env, name) ? surroundings.env[name] : undefined;
  if (otherwise !== undefined) return value ? given(value) : otherwise;
  return value === undefined
    ? problem(`${written} is not set. Write ${name}=… into ${surroundings.envFile}, or export it.`)
    : given(value);
}

async function readSecret(file: string, { reads }: Surroundings): Promise<string> {
  reads(file);
  return (await readText(file)).replace(/[\r\n]+$/, '');
}

/** Why a file could not be read, in words. */
export function fileReason(cause: unknown): string {
  switch (errorCode(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it';
    case 'MIXED':
      return 'it is text of two encodings, as PowerShell makes when it adds a line with >>. Save it anew, as UTF-8';
    default:
      return errorCode(cause) ?? 'it is not a file name';
  }
}

export function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
