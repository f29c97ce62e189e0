import type { Values } from '../../src/connector/index.ts';
import {
  type Complaint,
  type CrmFailure,
  CrmRequestFailed,
  type Draft,
  type FittingCrm,
  writeFitted,
} from '../../src/crm/index.ts';
import { assert, suite } from '../support/suite.ts';

const fitting = suite('writing what a CRM takes');

type Fate = { id: string; failure?: undefined } | { failure: CrmFailure & { complaint?: Complaint } };

const nothing = { names: [], isUnclear: false, isOutdated: false, words: 'It said no.' };
const refusal = (complaint: Partial<Complaint>): Fate => ({
  failure: { kind: 'rejected', reason: 'It said no.', complaint: { ...nothing, ...complaint } },
});

/** A CRM that takes a record once `verdict` finds nothing wrong with it. */
function crmWhere(
  verdict: (values: Values, told: number) => Fate | undefined,
  more: Partial<FittingCrm<Draft, Values, Fate>> = {},
) {
  const seen = { sent: [] as string[], learnt: 0, ownersRefused: 0 };
  const crm: FittingCrm<Draft, Values, Fate> = {
    name: 'Acme',
    ownerField: 'owner',
    ownerRefused: () => {
      seen.ownersRefused++;
    },
    async learn(_, anew) {
      if (anew) seen.learnt++;
    },
    fit: ({ values }) => ({ record: { ...values }, notes: [] }),
    async send(records) {
      seen.sent.push(...records.map((record) => Object.keys(record).join('+')));
      return records.map((record) => verdict(record, seen.learnt) ?? { id: '1' });
    },
    complaintOf: (failure) => failure.complaint,
    standingOf: (_, field) =>
      field === 'key' ? 'needed' : field === 'name' ? 'kept' : field === 'mine' ? 'asked' : 'spare',
    ...more,
  };
  return { crm, seen };
}

const all = { key: 'k', name: 'n', plain: 'p', mine: 'm', owner: 'o' };
const write = async (crm: FittingCrm<Draft, Values, Fate>, draft: Partial<Draft> = {}) => {
  const drafts = [{ values: all, timezone: 'UTC', ...draft }];
  const [fate] = await writeFitted(crm, drafts, new AbortController().signal);
  return fate as NonNullable<typeof fate>;
};

fitting('a field that is named goes, and is noted in the words of the CRM', async () => {
  const { crm, seen } = crmWhere(({ plain }) => (plain ? refusal({ names: ['plain'] }) : undefined));
  const fate = await write(crm);
  assert.equal(seen.sent, ['key+name+plain+mine+owner', 'key+name+mine+owner']);
  assert.equal(fate.notes, ['plain was left out: Acme refuses it. It said no.']);
  assert.equal(Object.keys(fate.values), ['key', 'name', 'mine', 'owner']);
});

fitting('what the record cannot be without stays, and so does the refusal', async () => {
  const { crm, seen } = crmWhere(() => refusal({ names: ['key', 'other'] }));
  const fate = await write(crm);
  assert.is(seen.sent.length, 1);
  assert.is(fate.failure?.reason, 'It said no.');
});

fitting('where none is named, what was asked for goes first, then all but what it needs', async () => {
  const { crm, seen } = crmWhere(({ plain }) => (plain ? refusal({ isUnclear: true }) : undefined));
  const fate = await write(crm);
  assert.equal(seen.sent, ['key+name+plain+mine+owner', 'key+name+plain+owner', 'key+name']);
  assert.match(
    String(fate.notes[0]),
    'Acme refused something and named no field, so it was written without mine.',
  );
  assert.match(String(fate.notes[1]), 'so it was written without plain, owner. It said no.');
  assert.is(seen.ownersRefused, 1);
});

fitting('it ends where nothing is left that could be the trouble', async () => {
  const { crm, seen } = crmWhere(() => refusal({ isUnclear: true }));
  const fate = await write(crm);
  assert.is(seen.sent.at(-1), 'key+name');
  assert.is(seen.sent.length, 3);
  assert.is(fate.failure?.kind, 'rejected');
});

fitting('what may stand in its place is tried before a value goes', async () => {
  const { crm, seen } = crmWhere(({ plain }) => (plain === 'q' ? undefined : refusal({ names: ['plain'] })));
  const fate = await write(crm, { instead: { plain: ['p', 'r', 'q'] } });
  assert.is(seen.sent.length, 3);
  assert.is(fate.values['plain'], 'q');
});

fitting('fields that may have changed are read anew, once; fitted alike, it is not sent again', async () => {
  const { crm, seen } = crmWhere(({ plain }) =>
    plain ? refusal({ names: ['plain'], isOutdated: true }) : undefined,
  );
  await write(crm);
  assert.is(seen.learnt, 1);
  assert.equal(seen.sent, ['key+name+plain+mine+owner', 'key+name+mine+owner']);
});

fitting('fitted otherwise by then, it is sent with all that it has', async () => {
  const isOutdated = { names: ['plain'], isOutdated: true };
  const { crm, seen } = crmWhere(({ plain }) => (plain === 'p' ? refusal(isOutdated) : undefined), {
    fit: ({ values }) => ({
      record: { ...values, ...(seen.learnt > 0 ? { plain: 'cut' } : {}) },
      notes: ['cut'],
    }),
  });
  const fate = await write(crm);
  assert.equal(seen.sent, ['key+name+plain+mine+owner', 'key+name+plain+mine+owner']);
  assert.equal(fate.notes, ['cut']);
});

const asked = (kind: CrmFailure['kind']) => ({
  async learn(_: readonly Draft[], anew: boolean) {
    if (anew) throw new CrmRequestFailed({ kind, reason: 'Not now.' });
  },
});

fitting(
  'where they cannot be read now, the record waits; where they may not be read, it goes without',
  async () => {
    const verdict = ({ plain }: Values) =>
      plain ? refusal({ names: ['plain'], isOutdated: true }) : undefined;
    const later = await write(crmWhere(verdict, asked('retry')).crm);
    assert.equal(later.failure, { kind: 'retry', reason: 'Not now.' });
    const without = await write(crmWhere(verdict, asked('blocked')).crm);
    assert.is(without.failure, undefined);
    assert.is(without.values['plain'], undefined);
  },
);

fitting('what fails as a whole fails for each', async () => {
  const { crm } = crmWhere(() => undefined, {
    async send() {
      throw new CrmRequestFailed({ kind: 'retry', reason: 'Nobody is there.' });
    },
  });
  assert.is((await write(crm)).failure?.reason, 'Nobody is there.');
});
fitting.run();
