import { endPush, startPush } from '../support/build-push.ts';
import { withWorker } from '../support/with-worker.ts';
import { backlog, type Crm, callers, hubspotCrm, salesforceCrm } from './backlog.ts';
import type { Bench, Row } from './row.ts';

const calls = 10_000;

const crms: { name: string; start: () => Promise<Crm>; newCallers: number; knownCallers: number }[] = [
  { name: 'HubSpot', start: hubspotCrm, newCallers: 0.06, knownCallers: 0.02 },
  { name: 'Salesforce', start: salesforceCrm, newCallers: 0.04, knownCallers: 0.015 },
];

/** Requests per call, as the emulators count them; the login of Salesforce apart. The same on every runtime. */
export const requests: Bench = async ({ runtime }) => {
  if (runtime !== 'node') return [];
  const rows: Row[] = [];
  for (const { name, start, newCallers, knownCallers } of crms) {
    const row = (what: string, measured: number, most?: number) =>
      rows.push({
        runtime,
        what: `${name}: requests, ${what}`,
        measured: String(measured),
        ...(most === undefined ? { bar: 'told' } : { bar: `≤ ${most}`, met: measured <= most }),
      });
    const [fresh, known] = await ofBacklog(await start());
    row(`a call of a backlog of ${calls}, all callers new`, fresh, newCallers);
    row('the same, all callers known', known, knownCallers);
    const live = await ofOneCall(await start());
    row('one live call, start and end together, new caller', live.newTogether, 4);
    row('the same, known caller', live.knownTogether, 2);
    row('start, then end, new caller', live.newApart);
    row('the same, known caller', live.knownApart);
  }
  return rows;
};

async function ofBacklog(crm: Crm): Promise<[fresh: number, known: number]> {
  const perCall: number[] = [];
  await withWorker(crm.open, async (worker) => {
    for (const name of ['a', 'b']) {
      crm.forgetRequests();
      await worker.record(...backlog(name, callers(calls)));
      await worker.deliverAll();
      perCall.push(crm.countRequests() / calls);
    }
  });
  await crm.close();
  return perCall as [number, number];
}

async function ofOneCall(crm: Crm) {
  const counts = await withWorker(crm.open, async (worker) => {
    let calls = 0;
    const count = async (number: string, isApart: boolean) => {
      const callId = String(++calls);
      const halves = [startPush(callId, { PLA_Caller_Phone_Number: number }), endPush(callId)];
      crm.forgetRequests();
      for (const pushes of isApart ? halves.map((half) => [half]) : [halves]) {
        await worker.record(...pushes);
        await worker.deliverAll();
      }
      return crm.countRequests();
    };
    return {
      newTogether: await count('+61444444441', false),
      knownTogether: await count('+61444444441', false),
      newApart: await count('+61444444442', true),
      knownApart: await count('+61444444442', true),
    };
  });
  await crm.close();
  return counts;
}
