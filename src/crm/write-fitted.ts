import type { Values } from '../connector/values.ts';
import { ownCommand } from '../text/own-command.ts';
import { asFailure, type Failure, forAll } from './failure.ts';
import { textOf } from './fit.ts';

/** By field, what may stand in place of its value, the best first. */
export type Instead = Readonly<Record<string, readonly (string | Date)[]>>;

/** A record to be written, with values of any kind. */
export interface Draft {
  readonly values: Values;
  /** Of the business: for fields that hold a day. */
  readonly timezone: string;
  readonly instead?: Instead | undefined;
}

/** What a refusal says of a record's values. */
export interface Complaint {
  /** The fields that it is about. */
  names: readonly string[];
  /** It does not say which. */
  isUnclear: boolean;
  /** What the CRM says of its fields may have changed. */
  isOutdated: boolean;
  /** The CRM's own, where they say more to people than which fields it refuses. */
  words?: string | undefined;
}

/**
 * What a field is to a record: `needed` stays, `kept` stays unless it is named as the trouble; where nothing is named,
 * `asked` by the configuration goes first.
 */
export type Standing = 'needed' | 'kept' | 'asked' | 'spare';

type Fate = { failure?: Failure | undefined };

/** A record as its fields can hold it, or what became of it without a request; and what was changed, for people to read. */
export type Fitted<R, W> =
  | { record: R; notes: readonly string[]; fate?: undefined }
  | { fate: W; notes: readonly string[]; record?: undefined };

/** How a CRM takes values. What fails as a whole throws `RequestFailed`. */
export interface FittingCrm<D extends Draft, R, W extends Fate> {
  /** For sentences. */
  readonly name: string;
  readonly ownerField: string;
  /** It does not take an owner any more. */
  readonly ownerRefused: () => void;
  /** Reads what the CRM says of the fields of these. @param anew whatever it said before */
  learn(drafts: readonly D[], anew: boolean, signal: AbortSignal): Promise<void>;
  fit(draft: D): Fitted<R, W>;
  /** Answers in order. */
  send(records: readonly R[], signal: AbortSignal): Promise<readonly W[]>;
  /** Undefined: another content would be refused alike. */
  complaintOf(failure: NonNullable<W['failure']>, draft: D): Complaint | undefined;
  standingOf(draft: D, field: string): Standing;
}

/** What became of a record, of its values which ones were sent at last, and what was done to them. */
export type WrittenFitted<W> = W & { values: Values; notes: readonly string[] };

/**
 * Writes records with their values fitted. Better a record that lacks something than none: what the CRM refuses is left
 * out, or written as something else, and noted.
 *
 *     refused ──perhaps its fields have changed──▶ read them anew, fit again
 *             ──fields are named──▶ without them
 *             ──none is named──▶ without what the configuration asked for ──▶ with nothing but what it needs
 */
export async function writeFitted<D extends Draft, R, W extends Fate>(
  crm: FittingCrm<D, R, W>,
  drafts: readonly D[],
  signal: AbortSignal,
): Promise<WrittenFitted<W>[]> {
  const courses = drafts.map((draft): Course<D, W> => ({ draft, left: [], isReread: false }));
  const learn = (those: readonly D[], anew: boolean) =>
    crm.learn(those, anew, signal).then(() => undefined, asFailure<Failure>);
  const unknown = await learn(drafts, false);
  if (unknown) return drafts.map(({ values }) => ({ ...failed<W>(unknown), values, notes: [] }));
  let open: readonly Course<D, W>[] = courses;
  for (let round = 1; open.length > 0 && round <= mostRounds; round++) {
    await fitAndSend(crm, open, signal);
    const doubtful = open.filter((one) => !one.isReread && complaintIn(crm, one)?.isOutdated);
    const lost =
      doubtful.length === 0
        ? undefined
        : await learn(
            doubtful.map(({ draft }) => draft),
            true,
          );
    open = open.filter((one) => {
      if (!doubtful.includes(one)) return leaveOut(crm, one);
      one.isReread = true;
      // What cannot be asked now says no more than the refusal; what may be answered soon is waited for.
      if (lost?.kind === 'retry') one.fate = failed(lost);
      return lost?.kind !== 'retry' && (isOther(crm, one) || leaveOut(crm, one));
    });
  }
  return courses.map(({ fate, fitted, left, draft }) => ({
    ...(fate as W),
    values: draft.values,
    notes: [...(fitted?.notes ?? []), ...left],
  }));
}

function failed<W extends Fate>(failure: Failure): W {
  const fate: Fate = { failure };
  return fate as W;
}

/** As sent; with its fields read anew; and then with less and less. */
const mostRounds = 8;

/** A draft on its way. */
interface Course<D, W> {
  draft: D;
  /** As it was sent. */
  fitted?: Fitted<unknown, W>;
  fate?: W;
  /** Notes on what was left out. */
  readonly left: string[];
  isReread: boolean;
}

async function fitAndSend<D extends Draft, R, W extends Fate>(
  crm: FittingCrm<D, R, W>,
  courses: readonly Course<D, W>[],
  signal: AbortSignal,
): Promise<void> {
  const due: [Course<D, W>, R][] = [];
  for (const one of courses) {
    const fitted = crm.fit(one.draft);
    one.fitted = fitted;
    if (fitted.fate !== undefined) one.fate = fitted.fate;
    else due.push([one, fitted.record as R]);
  }
  if (due.length === 0) return;
  const records = due.map(([, record]) => record);
  const fates = await crm.send(records, signal).catch(forAll(due.length));
  due.forEach(([one], place) => {
    one.fate = fates[place] as W;
  });
}

function complaintIn<D extends Draft, R, W extends Fate>(
  crm: FittingCrm<D, R, W>,
  { draft, fate }: Course<D, W>,
): Complaint | undefined {
  return fate?.failure && crm.complaintOf(fate.failure, draft);
}

/** Whether it is fitted in another way by now. */
function isOther<D extends Draft, R, W extends Fate>(
  crm: FittingCrm<D, R, W>,
  { draft, fitted }: Course<D, W>,
): boolean {
  return JSON.stringify(crm.fit(draft).record) !== JSON.stringify(fitted?.record);
}

/** Makes it what may be taken; false: there is nothing that the CRM could want of it. */
function leaveOut<D extends Draft, R, W extends Fate>(
  crm: FittingCrm<D, R, W>,
  course: Course<D, W>,
): boolean {
  const complaint = complaintIn(crm, course);
  if (!complaint) return false;
  const { draft } = course;
  const standing = new Map(Object.keys(draft.values).map((field) => [field, crm.standingOf(draft, field)]));
  const fields = [...standing.keys()];
  const replaceable = fields.filter((field) => others(draft, field).length > 0);
  const spare = fields.filter((field) => replaceable.includes(field) || standing.get(field) !== 'needed');
  const named = spare.filter((field) => complaint.names.includes(field));
  if (named.length > 0 || !complaint.isUnclear) return withoutThese(crm, course, named, complaint);
  const plain = spare.filter((field) => !replaceable.includes(field) && standing.get(field) !== 'kept');
  const asked = plain.filter((field) => standing.get(field) === 'asked');
  const unnamed = [asked, plain, replaceable].find((some) => some.length > 0) ?? [];
  return withoutThese(crm, course, unnamed, complaint, `so it was written without ${unnamed.join(', ')}.`);
}

/** Without these, or with what there is in their place. @param told once, where the CRM named none of them */
function withoutThese<D extends Draft, R, W extends Fate>(
  { name, ownerField, ownerRefused }: FittingCrm<D, R, W>,
  course: Course<D, W>,
  fields: readonly string[],
  { words }: Complaint,
  told?: string,
): boolean {
  if (fields.length === 0) return false;
  if (fields.includes(ownerField)) ownerRefused();
  const { draft, left } = course;
  const values = { ...draft.values };
  const instead: Record<string, readonly (string | Date)[]> = { ...draft.instead };
  const notes = fields.map((field) => {
    const [next, ...rest] = others(draft, field);
    if (next === undefined) delete values[field];
    else values[field] = next;
    instead[field] = rest;
    if (next !== undefined) return `${field} is ${textOf(next)}: ${name} refuses what it should be.`;
    return field === ownerField ? noSuchOwner(name) : `${field} was left out: ${name} refuses it.`;
  });
  const said = told === undefined ? notes : [`${name} refused something and named no field, ${told}`];
  left.push(...said.slice(0, -1), [said.at(-1), words ?? []].flat().join(' '));
  course.draft = { ...draft, values, instead };
  return true;
}

function noSuchOwner(crm: string): string {
  return `${crm} refused the owner that \`owner\` names, so none was set. Is the user still active? \`${ownCommand('check --online')}\` tells.`;
}

/** What may stand in place of a value, beside itself. */
function others({ values, instead }: Draft, field: string): readonly (string | Date)[] {
  return (instead?.[field] ?? []).filter((one) => textOf(one) !== textOf(values[field]));
}
